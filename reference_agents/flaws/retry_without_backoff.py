"""Failed LLM requests are repeated at once, ten times, by everybody in step: a retry storm."""

from __future__ import annotations

from dataclasses import dataclass, replace

from reference_agents.api.deps import Parts
from reference_agents.llm.backoff import Backoff
from reference_agents.llm.breaker import Breaker


@dataclass(frozen=True)
class NoPause(Backoff):
    def wait_s(self, attempt: int, retry_after_s: float | None = None) -> float:
        return 0.0


def apply(parts: Parts) -> Parts:
    """Replace the back-off, with as many attempts as such a team allows itself and a breaker that lets them."""
    breakers = {model: Breaker(parts.clock, failures=1000) for model in parts.llm.cascade}
    backoff = NoPause(parts.llm.backoff.rng)
    return parts.with_llm(replace(parts.llm, backoff=backoff, breakers=breakers, attempts=10))
