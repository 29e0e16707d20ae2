"""`llm_fault`: any fault of the mock LLM's own, proven by canaries that its journal says were struck."""

from __future__ import annotations

import json
import random

import httpx
import pytest

from harness.core.clock import RealClock
from harness.core.config import Service
from harness.core.errors import ConfigError
from harness.faults.fault import Site
from harness.faults.kinds.llm_fault import LlmFault, LlmFaultParams
from harness.targets.target import LiveService, Target


class Mock:
    """Enough of the mock LLM: a plan, canaries, a journal. `deaf` takes a plan and does not act on it."""

    def __init__(self, *, deaf: bool = False) -> None:
        self.plan: list[dict[str, object]] = []
        self.journal: list[dict[str, object]] = []
        self.deaf = deaf

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/_mock/faults":
            if request.method == "PUT":
                self.plan = json.loads(request.content)["faults"]
            return httpx.Response(200, json={"faults": self.plan})
        if request.url.path == "/_mock/journal":
            return httpx.Response(200, json={"entries": self.journal, "next": 9})
        kinds = [] if self.deaf else [entry["kind"] for entry in self.plan]
        self.journal.append({"session": request.headers["x-mock-session"], "faults": kinds})
        return httpx.Response(200, json={})


def site(mock: Mock) -> Site:
    services = {"llm": LiveService("llm", "http://llm", Service(role="llm", admin="/_mock"))}
    http = httpx.Client(transport=httpx.MockTransport(mock))
    return Site(
        target=Target("t", "local", "n", services), http=http, clock=RealClock(), pause=lambda s: False,
        rng=random.Random(1), state_file="",
    )  # fmt: skip


SPIKE = LlmFaultParams(fault={"kind": "usage_spike", "factor": 6}, model="gpt-4o")


def test_the_fault_stands_beside_what_was_planned_before_and_its_canaries_are_struck() -> None:
    mock = Mock()
    mock.plan = [{"kind": "latency", "seconds": 1}]
    mock.journal = [{"session": "windtunnel-canary", "faults": ["usage_spike"]}]  # an earlier one's does not count
    place, kind = site(mock), LlmFault()
    injection = kind.plan(SPIKE, place)
    assert injection.undo[0].body == {"faults": [{"kind": "latency", "seconds": 1}]}  # type: ignore[union-attr]
    kind.inject(injection, place)
    assert mock.plan == [{"kind": "latency", "seconds": 1}, {"kind": "usage_spike", "factor": 6}]
    seen = kind.witness(injection, place)
    assert seen.seen and seen.detail == "usage_spike struck 3 of 3 canary requests"


def test_a_fault_that_strikes_nobody_is_not_witnessed() -> None:
    place, kind = site(Mock(deaf=True)), LlmFault()
    injection = kind.plan(SPIKE, place)
    kind.inject(injection, place)
    assert not kind.witness(injection, place).seen


def test_a_fault_without_a_kind_is_refused_before_anything_is_touched() -> None:
    mock = Mock()
    with pytest.raises(ConfigError, match="no `kind`"):
        LlmFault().plan(LlmFaultParams(fault={"factor": 6}, model="m"), site(mock))
    assert mock.plan == []
