"""A task event has one result event, in its schema, under its key, in its trace; also when it comes several times."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from harness.contracts.promises import Promises
from harness.contracts.queue.door import QueueDoor, Sent, shown
from harness.targets.fields import pick
from harness.targets.queue import Heard

COPIES = 4
AFTERWARDS_S = 3.0  # how long a second result may take to come


@dataclass(frozen=True)
class Delivery:
    """Checks what comes of good task events."""

    door: QueueDoor
    promises: Promises

    async def check(self) -> bool:
        """Whether a task event is answered at all: without that nothing else can be said."""
        topic = self.door.client.api.topic
        sent = await self.door.made("delivery")
        await self.door.send(sent)
        result = await self.door.result(sent)
        unread = next((heard for heard in self.door.client.heard if heard.unreadable), None)
        self._readable(unread, result)
        if not self._answered(topic, result or unread, result):
            return False
        assert result is not None
        self.promises.judge(
            result.key == self._key(sent),
            "queue.key",
            topic,
            "a result event has the key of its task event",
            detail=f"key {result.key!r}, sent under {self._key(sent)!r}",
            payload=shown(result),
            fix="key by what must stay in order, the session, on every topic that a task passes",
        )
        parent = result.headers.get("traceparent", "")
        self.promises.judge(
            sent.trace in parent,
            "queue.trace",
            topic,
            "a result event is in the trace of its task event",
            detail=f"traceparent {parent or 'absent'}, sent in {sent.trace}",
            payload=shown(result),
            fix="carry the traceparent header from the message to the task and to the result",
        )
        await self._often(topic)
        return True

    def _answered(self, topic: str, seen: Heard | None, result: Heard | None) -> bool:
        api = self.door.client.api
        status = result.field(api.status_field) if result is not None else ""
        return self.promises.judge(
            status in api.succeeded,
            "queue.answered",
            topic,
            "a task event is answered by a result event",
            detail=f"{api.status_field} is {status or 'absent'}"
            if result is not None
            else f"no result event on {api.results} within {self.door.timeout_s:g} s",
            payload=shown(seen),
            fix="consume the topic, and publish the result from an outbox once it is stored",
        )

    def _readable(self, unread: Heard | None, result: Heard | None) -> None:
        if unread is None and result is None:
            return
        self.promises.judge(
            unread is None,
            "queue.schema",
            self.door.client.api.results or "",
            "result events are what their registered schema says",
            detail=unread.unreadable if unread is not None else "read by the schema that the message names",
            payload=shown(unread),
            fix="encode by the schema that is registered, and name its id in the value",
        )

    async def _often(self, topic: str) -> None:
        """Brokers deliver at least once: the same event several times, and again when it is over, is one task."""
        sent = await self.door.made("often")
        await asyncio.gather(*(self.door.send(sent) for _ in range(COPIES)))
        await self.door.result(sent)
        await self.door.send(sent)
        await asyncio.sleep(AFTERWARDS_S)
        results = self.door.results(sent)
        said = {self._said(result) for result in results}
        self.promises.judge(
            len(said) == 1,
            "queue.duplicate",
            topic,
            f"the same task event {COPIES + 1} times has the same result each time",
            detail=f"{len(results)} result event(s), {len(said)} of them different",
            payload=[shown(result) for result in results[:3]],
            fix="make the event's id the task's idempotency key, and answer a repeated one from the stored result",
            cases=COPIES + 1,
        )

    def _said(self, result: Heard) -> tuple[str, ...]:
        api = self.door.client.api
        return tuple(str(pick(result.event, path)) for path in (api.status_field, api.output_field, api.error_field))

    def _key(self, sent: Sent) -> bytes:
        return self.door.client.key_of(sent.session, sent.task_id)
