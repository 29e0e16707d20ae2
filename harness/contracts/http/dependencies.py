"""Readiness when what a service depends on is away: it has to say so, and only that.

A service that says it is ready gets requests that it cannot serve; one whose liveness depends on others is restarted
for their sake, all replicas at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
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
            noticed = await self._until(_not_ready)
            alive = () if self.spec.health is None else await self._ask(self.spec.health)
            witnessed = await hands.witness(cut)
            await hands.undo(cut)
            back = await self._until(_fine)
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
                self._judge(noticed, _not_ready, "probes.ready.without", dependency,
                            f"not ready while {dependency} is cut off",
                            "ask what the service depends on, with a time-out, each time /ready is asked")  # fmt: skip
            self._judge(alive, _fine, "probes.health.without", dependency, f"alive while {dependency} is cut off",
                        "answer /health from memory: a restart does not bring a dependency back")  # fmt: skip
            self._judge(back, _fine, "probes.ready.again", dependency, f"ready again when {dependency} is back",
                        "connect anew when a connection is dead; keep no verdict for long")  # fmt: skip

    async def _until(self, good: Callable[[Exchange], bool]) -> Sequence[Exchange]:
        """What every pod says of its readiness, when all say what is `good`, or at the latest after WITHIN_S."""
        until = self.clock.monotonic() + WITHIN_S
        while True:
            answers = await self._ask(self.spec.ready or "")
            if all(map(good, answers)) or self.clock.monotonic() > until:
                return answers
            await asyncio.sleep(LOOK_S)

    async def _ask(self, path: str) -> Sequence[Exchange]:
        return await asyncio.gather(*(pod.send("GET", path, timeout_s=PROBE_TIMEOUT_S) for pod in self.at))

    def _judge(
        self, answers: Sequence[Exchange], good: Callable[[Exchange], bool], check: str, subject: str, title: str,
        fix: str,
    ) -> None:  # fmt: skip
        if not answers:
            return
        wrong = [answer for answer in answers if not good(answer)]
        shown = (wrong or answers)[0]
        self.promises.judge(
            not wrong,
            check,
            subject,
            title,
            detail=f"{len(answers) - len(wrong)} of {len(answers)} pods; {shown.outcome}"
            + (f" after {WITHIN_S:g} s" if wrong else ""),
            payload=shown.payload(),
            replay=shown.curl(),
            fix=fix,
            cases=len(answers),
        )


def _fine(answer: Exchange) -> bool:
    return answer.code == 200


def _not_ready(answer: Exchange) -> bool:
    return answer.code != 200
