"""The supervisor: tries a piece of work again while that can help, and escalates when it cannot."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from reference_agents.common.ending import end

T = TypeVar("T")


class Recoverable(Exception):
    """May work if tried again; not before `retry_after_s`, where whoever refused said so."""

    def __init__(self, reason: str, retry_after_s: float = 0.0) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s


class Unrecoverable(Exception):
    """The same work fails again: no use in another attempt."""


class Escalated(Exception):
    """The work failed for good after `attempts`; whoever asked for it decides what follows."""

    def __init__(self, reason: str, attempts: int) -> None:
        super().__init__(reason)
        self.attempts = attempts


@dataclass
class Supervisor:
    """Gives work `attempts` tries of `timeout_s` seconds each, and waits between them.

    The wait after try n (from 0) is first_s * 2^n, give or take a quarter, so that what failed together does not
    come back together: 1, 2, 4 s and so on.
    """

    rng: random.Random
    attempts: int = 3
    timeout_s: float = 60.0
    first_s: float = 1.0
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def supervise(self, work: Callable[[], Coroutine[Any, Any, T]]) -> tuple[T, int]:
        """What `work` returned, and at which attempt.

        Recoverable and a timeout are tried again; Unrecoverable is not. Raises Escalated.
        """
        reason = ""
        for attempt in range(self.attempts):
            least = 0.0
            trying = asyncio.create_task(work())
            try:
                done, _ = await asyncio.wait({trying}, timeout=self.timeout_s)
                if done:
                    return trying.result(), attempt + 1
                reason = f"no answer within {self.timeout_s:g} s"
            except Recoverable as error:
                reason, least = str(error), error.retry_after_s
            except Unrecoverable as error:
                raise Escalated(str(error), attempt + 1) from None
            finally:
                await end(trying)
            if attempt + 1 < self.attempts:
                await self.sleep(max(least, self.wait_s(attempt)))
        raise Escalated(f"{reason} (after {self.attempts} attempts)", self.attempts)

    def wait_s(self, attempt: int) -> float:
        """Seconds to wait after try `attempt`, counted from 0."""
        return self.first_s * 2.0**attempt * self.rng.uniform(0.75, 1.25)
