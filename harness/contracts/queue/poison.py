"""Messages that nobody can take: each becomes a dead letter as it was, with its reason, and holds nothing up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.contracts.promises import Promises
from harness.contracts.queue.door import QueueDoor, Sent, shown
from harness.targets.queue import Heard

FIX = "send what can never be handled to the dead letter topic, with the reason in a header, and commit"
REASON = 4  # characters that say something


@dataclass(frozen=True)
class Poison:
    """Checks what comes of messages that are no task events."""

    door: QueueDoor
    promises: Promises

    async def check(self) -> None:
        """Each kind of poison in the order of one partition, then a good task behind them all."""
        api = self.door.client.api
        good = await self.door.made("poison")
        bad = dict(self._values(good))
        for value in bad.values():
            await self.door.send(good, value)
        await self.door.send(good)
        if api.dead_letters:
            for name, value in bad.items():
                self._judge(name, good, await self.door.client.until(self.door.client.dead(value), self.door.timeout_s))
        else:
            self.promises.not_applicable("dead letters: no `dead_letters` topic is declared")
        result = await self.door.result(good)
        self.promises.judge(
            result is not None,
            "queue.unblocked",
            api.topic,
            "a task behind messages that nobody can take is done",
            detail=f"{'answered' if result else f'no result within {self.door.timeout_s:g} s'} behind {len(bad)} such",
            payload=shown(result),
            fix="give a message a number of attempts, then put it aside and go on",
            cases=len(bad),
        )

    def _values(self, good: Sent) -> Iterator[tuple[str, bytes]]:
        tag = good.task_id.encode()
        yield "bytes of no format", b"\xff\xfe not an event: " + tag
        yield "a cut off event", good.value[: max(6, len(good.value) // 2)]
        if self.door.client.api.schema_registry:
            yield "a schema that is not registered", b"\x00\x7f\xff\xff\xff" + tag
            yield "an unframed event", b'{"task_id": "' + tag + b'"}'
        else:
            yield "an event without its fields", b'{"unknown": "' + tag + b'"}'
            yield "an array in place of an event", b'["' + tag + b'"]'

    def _judge(self, name: str, good: Sent, letter: Heard | None) -> None:
        api = self.door.client.api
        headers = {} if letter is None else letter.headers
        added = {key: text for key, text in headers.items() if key not in ("traceparent", "baggage")}
        # Where it came from is no reason, nor is a number.
        said = any(len(text) >= REASON and text != api.topic and not text.isdigit() for text in added.values())
        kept = letter is not None and letter.key == self.door.client.key_of(good.session, good.task_id)
        detail = (
            f"not on {api.dead_letters} within {self.door.timeout_s:g} s"
            if letter is None
            else "put aside with its key and a reason"
            if kept and said
            else f"key {letter.key!r}, headers {', '.join(sorted(added)) or 'none'}"
        )
        self.promises.judge(
            kept and said, "queue.dead-letter", name, "what nobody can take becomes a dead letter that says why",
            detail=detail, payload=shown(letter), fix=FIX,
        )  # fmt: skip
