"""No breaker: a model that is down is asked again by every step of every task."""

from __future__ import annotations

from dataclasses import replace

from reference_agents.api.deps import Parts
from reference_agents.llm.breaker import Breaker


class AlwaysClosed(Breaker):
    def admit(self) -> bool:
        return True

    def failed(self) -> None:
        pass


def apply(parts: Parts) -> Parts:
    """Replace the breaker of every model."""
    breakers = {model: AlwaysClosed(parts.clock) for model in parts.llm.cascade}
    return parts.with_llm(replace(parts.llm, breakers=breakers))
