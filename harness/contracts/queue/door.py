"""The queue as the checks use it: tasks handed in under a trace and a session of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count

from pydantic import JsonValue

from harness.core.seed import Seed
from harness.targets.queue import Heard, QueueClient

PROMPT = "Say hello in one short sentence."


@dataclass(frozen=True)
class Sent:
    """A task event that was sent: its id, the key it went under, its trace, and its value as it lies on the topic."""

    task_id: str
    session: str
    trace: str
    value: bytes


@dataclass
class QueueDoor:
    """Hands tasks to one service. `unique` keeps them apart from any other run's."""

    client: QueueClient
    unique: str
    seed: Seed
    mark: Mapping[str, str]
    timeout_s: float
    _numbers: count[int] = field(default_factory=lambda: count(1))

    async def made(self, session: str) -> Sent:
        """A good task event, not sent yet."""
        number = next(self._numbers)
        task_id = f"{self.unique}-queue-{number}"
        trace = f"{self.seed.derive('queue', number).number():016x}{number:016x}"
        event = self.client.event(task_id, f"{self.unique}-{session}", PROMPT)
        value = await self.client.codec.encode(event, self.client.api.subject)
        return Sent(task_id, f"{self.unique}-{session}", trace, value)

    async def send(self, sent: Sent, value: bytes | None = None) -> None:
        """Put the event on the topic, or another value in its place."""
        headers = {**self.mark, "traceparent": f"00-{sent.trace}-{sent.trace[:15]}1-01"}
        await self.client.send(
            sent.value if value is None else value, session=sent.session, headers=headers, task_id=sent.task_id
        )

    async def result(self, sent: Sent) -> Heard | None:
        """The result event, or None within the time that a task may take."""
        return await self.client.until(self.client.result_of(sent.task_id), self.timeout_s)

    def results(self, sent: Sent) -> list[Heard]:
        """Every result event heard so far."""
        wanted = self.client.result_of(sent.task_id)
        return [heard for heard in self.client.heard if wanted(heard)]


def shown(heard: Heard | None) -> JsonValue:
    """A message as evidence."""
    if heard is None:
        return None
    return {
        "topic": heard.topic,
        "key": heard.key.decode("utf-8", "replace"),
        "headers": dict(heard.headers),
        "event": heard.event if heard.event is not None else heard.value[:300].decode("utf-8", "replace"),
        "unreadable": heard.unreadable,
    }
