"""A fault at a moment of a scenario: waits until what is seen from outside says that it has come."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from harness.core.clock import Clock
from harness.core.errors import InfraError
from harness.faults.hands import Hands
from harness.scenarios.model import Disturb, Once

LOOK_S = 0.02


@dataclass(frozen=True)
class Disturber:
    """Disturbs one run. `effects_of` and `llm_asked` count what the run has caused so far."""

    hands: Hands
    effects_of: Callable[[str], Awaitable[int]]
    llm_asked: Callable[[], Awaitable[int]]
    clock: Clock

    async def disturb(self, what: Disturb) -> None:
        """Wait for the moment, then strike. Raises InfraError when the moment does not come."""
        if what.once is not None:
            await self._moment(what.once)
        await self.hands.strike(what.kind, what.params, what.for_s)

    async def _moment(self, once: Once) -> None:
        until = self.clock.monotonic() + once.within_s
        while not await self._come(once):
            if self.clock.monotonic() > until:
                awaited = (
                    f"an effect of {once.effect_of}" if once.effect_of else f"{once.llm_asked} requests to the LLM"
                )
                raise InfraError(f"the moment to strike did not come: {awaited} within {once.within_s:g} s")
            await asyncio.sleep(LOOK_S)

    async def _come(self, once: Once) -> bool:
        if once.effect_of is not None:
            return await self.effects_of(once.effect_of) > 0
        return await self.llm_asked() >= (once.llm_asked or 0)
