"""The queue's checks over a service of our own that answers well, or with one defect."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from harness.contracts.promises import Promises
from harness.contracts.queue import delivery
from harness.contracts.queue.delivery import Delivery
from harness.contracts.queue.door import QueueDoor
from harness.contracts.queue.poison import Poison
from harness.core.clock import RealClock
from harness.core.config import QueueApi
from harness.core.events import Check
from harness.core.seed import Seed
from harness.evidence.recorder import MemoryRecorder
from harness.targets.event_codec import EventCodec
from harness.targets.queue import Heard, QueueClient

API = QueueApi(broker="broker:9092", topic="tasks", results="results", dead_letters="dead")


class Service(QueueClient):
    """Stands for broker and service: what is sent is answered at once."""

    defect: str = ""

    async def send(
        self, event: Mapping[str, Any] | bytes, *, session: str, headers: Mapping[str, str], task_id: str = ""
    ) -> None:
        assert isinstance(event, bytes)
        key = self.key_of(session, task_id)
        try:
            told = json.loads(event)
            prompt, task = told["prompt"], told["task_id"]
        except (ValueError, TypeError, KeyError):
            self._aside(event, key, headers)
            return
        assert prompt
        if self.defect == "silent" or (self.defect == "blocked" and any(h.topic == "dead" for h in self.heard)):
            return
        answers = len([heard for heard in self.heard if heard.field("task_id") == task])
        if answers and self.defect != "again":
            return
        result = {"task_id": task, "status": "failed" if self.defect == "fails" else "completed",
                  "output": f"answer {answers}"}  # fmt: skip
        traced = {} if self.defect == "untraced" else dict(headers)
        keyed = b"" if self.defect == "unkeyed" else key
        value = b"{" if self.defect == "unreadable" else json.dumps(result).encode()
        why = "not JSON" if self.defect == "unreadable" else ""
        self.heard.append(Heard("results", keyed, value, traced, None if why else result, why))

    def _aside(self, event: bytes, key: bytes, headers: Mapping[str, str]) -> None:
        if self.defect != "dropped":
            origin = {"from": "tasks", "offset": "12345"}  # what brokers' tools add says nothing of why
            reason = origin if self.defect == "unexplained" else {**origin, "error": "not an event"}
            keyed = b"" if self.defect == "dead unkeyed" else key
            self.heard.append(Heard("dead", keyed, event, {**headers, **reason}))


async def failing(defect: str, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The checks that fail; all that there are must be decided."""
    monkeypatch.setattr(delivery, "AFTERWARDS_S", 0.0)
    clock = RealClock()
    client = Service(API, EventCodec(httpx.AsyncClient(), None, {}), clock, None)
    client.defect = defect
    recorder = MemoryRecorder(clock=clock)
    door = QueueDoor(client, "u", Seed(1), {"baggage": "mock.session=contracts"}, 0.05)
    promises = Promises(recorder, "agent/queue")
    async with asyncio.timeout(20):
        if await Delivery(door, promises).check():
            await Poison(door, promises).check()
    checks = [event.body for event in recorder.events if isinstance(event.body, Check)]
    assert {check.outcome for check in checks} <= {"pass", "fail"}
    assert len({(check.check, check.subject) for check in checks}) == len(checks)
    return {check.check for check in checks if check.outcome == "fail"}


async def test_a_good_service_keeps_every_promise(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await failing("", monkeypatch) == set()


@pytest.mark.parametrize(
    ("defect", "seen"),
    [
        ("silent", {"queue.answered"}),
        ("fails", {"queue.answered"}),
        ("unreadable", {"queue.answered", "queue.schema"}),
        ("untraced", {"queue.trace"}),
        ("unkeyed", {"queue.key"}),
        ("again", {"queue.duplicate"}),
        ("dropped", {"queue.dead-letter"}),
        ("unexplained", {"queue.dead-letter"}),
        ("dead unkeyed", {"queue.dead-letter"}),
        ("blocked", {"queue.unblocked"}),
    ],
)
async def test_each_defect_is_named(defect: str, seen: set[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert await failing(defect, monkeypatch) == seen
