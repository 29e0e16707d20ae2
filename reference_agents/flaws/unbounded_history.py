"""Every turn of a session is kept and sent, without a bound."""

from __future__ import annotations

from reference_agents.api.deps import Parts
from reference_agents.runner.memory import ContextManager

ENDLESS = 1_000_000


def apply(parts: Parts) -> Parts:
    """Replace the memory."""
    healthy = parts.runner.memory
    parts.runner.memory = ContextManager(healthy.redis, healthy.agent, turns=ENDLESS, context_tokens=ENDLESS)
    return parts
