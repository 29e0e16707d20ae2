"""Probes: 200 without a token, and in health what it has to report."""

from __future__ import annotations

import httpx
import pytest

from harness.contracts.http.exchange import Caller
from harness.contracts.http.probes import Probes
from harness.core.config import Service
from tests.unit.contracts.test_auth_matrix import Kept


@pytest.mark.parametrize(
    ("status", "body", "outcomes"),
    [
        (200, {"status": "ok", "llm": {"state": "open"}}, {"probes.health": "pass", "probes.health.reports": "pass"}),
        (200, {"status": "ok"}, {"probes.health": "pass", "probes.health.reports": "fail"}),
        (503, {"llm": {"state": "open"}}, {"probes.health": "fail", "probes.health.reports": "pass"}),
    ],
)
async def test_health_reports_what_it_should(status: int, body: dict[str, object], outcomes: dict[str, str]) -> None:
    promises = Kept(None, "x/probes", ([], []))  # type: ignore[arg-type]
    transport = httpx.MockTransport(lambda request: httpx.Response(status, json=body))
    async with httpx.AsyncClient(transport=transport) as http:
        spec = Service(ready=None, health_reports=("llm.state",))
        await Probes(Caller(http, "http://agent", {}, {}), promises, spec).check()
    assert {check.check: check.outcome for check in promises.checks[0]} == outcomes


async def test_without_a_declaration_nothing_is_asked_of_its_body() -> None:
    promises = Kept(None, "x/probes", ([], []))  # type: ignore[arg-type]
    transport = httpx.MockTransport(lambda request: httpx.Response(200, text="ok"))
    async with httpx.AsyncClient(transport=transport) as http:
        await Probes(Caller(http, "http://agent", {}, {}), promises, Service(ready=None)).check()
    assert [check.check for check in promises.checks[0]] == ["probes.health"]
