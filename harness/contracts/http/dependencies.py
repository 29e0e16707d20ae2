"""Readiness when what a service depends on is away: it has to say so, and only that.

A service that says it is ready gets requests that it cannot serve; one whose liveness depends on others is restarted
for their sake, all replicas at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from harness.contracts.http.exchange import Caller, Exchange
from harness.contracts.promises import Promises
from harness.core.clock import Clock
from harness.core.config import Service
from harness.faults.hands import Hands

WITHIN_S = 8.0  # until a cut is noticed: a time-out of the service's own, and an answer it may have kept
LOOK_S = 0.2
PROBE_TIMEOUT_S = 2.0


@dataclass(frozen=True)
class Readiness:
    """Cuts a service off from each of its dependencies and asks its pods, `at` their own addresses."""

    at: Sequence[Caller]
    workload: str
    spec: Service
    promises: Promises
    clock: Clock

    async def check(self, hands: Hands) -> None:
        """Each dependency in turn. Raises InfraError, ConfigError, UndoError where one cannot be cut off."""
        for dependency in self.spec.depends_on:
            params = {"source": self.workload, "service": dependency, "edge": "black_hole"}
            cut = await hands.inject("edge_fault", params)
            noticed = await self._until(lambda answers: all(answer.code != 200 for answer in answers), self._ready)
            alive = await self._health()
            witnessed = await hands.witness(cut)
            await hands.undo(cut)
            back = await self._until(lambda answers: all(answer.code == 200 for answer in answers), self._ready)
            if not witnessed.seen:
                self.promises.undecided(
                    "probes.ready.without",
                    dependency,
                    f"not ready while {dependency} is cut off",
                    detail=f"nothing was sent to {dependency} meanwhile: {self.spec.ready} does not ask it, or keeps "
                    "an answer for long",
                    fix=f"ask {dependency} in {self.spec.ready}, or take it out of depends_on",
                )
            else:
                self._judge(noticed, "probes.ready.without", dependency, f"not ready while {dependency} is cut off",
                            "ask what the service depends on, with a time-out, each time /ready is asked")  # fmt: skip
            self._judge(alive, "probes.health.without", dependency, f"alive while {dependency} is cut off",
                        "answer /health from memory: a restart does not bring a dependency back")  # fmt: skip
            self._judge(back, "probes.ready.again", dependency, f"ready again when {dependency} is back",
                        "connect anew when a connection is dead; keep no verdict for long")  # fmt: skip

    async def _until(
        self, done: Callable[[Sequence[Exchange]], bool], ask: Callable[[], Awaitable[Sequence[Exchange]]]
    ) -> tuple[bool, Sequence[Exchange]]:
        until = self.clock.monotonic() + WITHIN_S
        while True:
            answers = await ask()
            if done(answers):
                return True, answers
            if self.clock.monotonic() > until:
                return False, answers
            await asyncio.sleep(LOOK_S)

    async def _ready(self) -> Sequence[Exchange]:
        return await self._ask(self.spec.ready or "")

    async def _health(self) -> tuple[bool, Sequence[Exchange]]:
        if self.spec.health is None:
            return True, ()
        answers = await self._ask(self.spec.health)
        return all(answer.code == 200 for answer in answers), answers

    async def _ask(self, path: str) -> Sequence[Exchange]:
        return await asyncio.gather(*(pod.send("GET", path, timeout_s=PROBE_TIMEOUT_S) for pod in self.at))

    def _judge(self, found: tuple[bool, Sequence[Exchange]], check: str, subject: str, title: str, fix: str) -> None:
        holds, answers = found
        if not answers:
            return
        shown = answers[0]
        self.promises.judge(
            holds,
            check,
            subject,
            title,
            detail=f"{len(answers)} pods; the first: {shown.outcome}" + ("" if holds else f" after {WITHIN_S:g} s"),
            payload=shown.payload(),
            replay=shown.curl(),
            fix=fix,
            cases=len(answers),
        )
