"""Idempotency-Key: one key is one task, also when the same request comes many times at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from harness.contracts.http.door import TaskDoor, fields
from harness.contracts.http.exchange import Exchange
from harness.contracts.promises import Promises

AT_ONCE = 8
IN_PROGRESS = (409, 425)  # a duplicate may be told to come back while the first is being taken
FIX = "claim the key atomically (SET NX) with a hash of the body before the task is made, then answer from it"


@dataclass(frozen=True)
class Idempotency:
    """Checks the key on every door of a service that takes tasks."""

    door: TaskDoor
    promises: Promises
    unique: str

    async def check(self) -> None:
        """Run every check of the group on each declared door."""
        header = self.door.api.idempotency_header
        doors = [route for route in (self.door.api.submit, self.door.api.run) if route]
        if header is None or not doors:
            self.promises.not_applicable("idempotency keys: no header or no route is declared")
            return
        for n, route in enumerate(doors):
            if not await self._named(route, f"named-{n}-{self.unique}"):
                continue
            await self._again(route, f"again-{n}-{self.unique}")
            await self._at_once(route, f"once-{n}-{self.unique}")
            await self._other_body(route, f"body-{n}-{self.unique}")
            await self._other_key(route, f"key-{n}-{self.unique}")

    async def _named(self, route: str, key: str) -> bool:
        """Whether answers say which task they are of; without that nothing can be said of keys."""
        first = await self.door.send(route, self.door.body("Repeat after me: zero."), key=key)
        if not self._taken((first,)) or self.door.task_id(first):
            return True
        self.promises.undecided(
            "idempotency.checked",
            route,
            "one key is one task",
            detail=f"the answer has no `{self.door.api.id_field}`{fields(first)}: one task cannot be told from another",
            payload=first.payload(),
            fix='name the field in id_field of [.tasks]; idempotency_header = "" where there are no such keys',
        )
        return False

    async def _again(self, route: str, key: str) -> None:
        body = self.door.body("Repeat after me: one.")
        first = await self.door.send(route, body, key=key)
        second = await self.door.send(route, body, key=key)
        ids = {self.door.task_id(first), self.door.task_id(second)}
        self.promises.judge(
            self._taken((first, second)) and len(ids) == 1 and "" not in ids,
            "idempotency.repeat",
            route,
            "the same request under the same key is the same task",
            detail=f"{first.outcome} and {second.outcome}, {len(ids)} task(s)",
            payload={"first": first.payload(), "second": second.payload()},
            replay=second.curl(),
            fix=FIX,
            cases=2,
        )

    async def _at_once(self, route: str, key: str) -> None:
        body = self.door.body("Repeat after me: two.")
        answers = await asyncio.gather(*(self.door.send(route, body, key=key) for _ in range(AT_ONCE)))
        taken = [answer for answer in answers if self._taken((answer,))]
        odd = [answer for answer in answers if not self._taken((answer,)) and answer.code not in IN_PROGRESS]
        ids = {self.door.task_id(answer) for answer in taken}
        shown = (odd or list(answers))[:2]
        self.promises.judge(
            len(ids) == 1 and "" not in ids and not odd,
            "idempotency.concurrent",
            route,
            f"{AT_ONCE} identical requests at once under one key are one task",
            detail=f"{len(taken)} accepted, {len(ids)} task(s), answers {_codes(answers)}",
            payload=[answer.payload() for answer in shown],
            replay=f"seq {AT_ONCE} | xargs -P {AT_ONCE} -I_ {answers[0].curl()}",
            fix=FIX,
            cases=AT_ONCE,
        )

    async def _other_body(self, route: str, key: str) -> None:
        first = await self.door.send(route, self.door.body("Repeat after me: three."), key=key)
        other = await self.door.send(route, self.door.body("Repeat after me: four."), key=key)
        self.promises.judge(
            self._taken((first,)) and other.code in self.door.api.key_reused,
            "idempotency.other_body",
            route,
            f"another body under a used key is refused ({', '.join(map(str, self.door.api.key_reused))})",
            detail=f"{first.outcome}, then {other.outcome}",
            payload={"first": first.payload(), "other": other.payload()},
            replay=other.curl(),
            fix="keep a hash of the body with the key and refuse a request whose hash differs",
            cases=2,
        )

    async def _other_key(self, route: str, key: str) -> None:
        body = self.door.body("Repeat after me: five.")
        first = await self.door.send(route, body, key=f"{key}-a")
        second = await self.door.send(route, body, key=f"{key}-b")
        ids = {self.door.task_id(first), self.door.task_id(second)}
        self.promises.judge(
            self._taken((first, second)) and len(ids) == 2 and "" not in ids,
            "idempotency.other_key",
            route,
            "the same body under another key is another task",
            detail=f"{first.outcome} and {second.outcome}, {len(ids)} task(s)",
            payload={"first": first.payload(), "second": second.payload()},
            replay=second.curl(),
            fix="key the claim by the header, not by the body",
            cases=2,
        )

    def _taken(self, answers: Sequence[Exchange]) -> bool:
        return all(answer.code is not None and 200 <= answer.code < 300 for answer in answers)


def _codes(answers: Sequence[Exchange]) -> str:
    words = [answer.outcome for answer in answers]
    return ", ".join(f"{words.count(word)}x {word}" for word in dict.fromkeys(words))
