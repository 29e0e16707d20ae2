"""Leases never run out: what a killed worker held is nobody's, and stays `running` for ever."""

from __future__ import annotations

from reference_agents.api.deps import Parts
from reference_agents.tasks.store import TaskStore

FOR_EVER_S = 10_000_000.0


def apply(parts: Parts) -> Parts:
    """Replace the store; its workers renew as often as before."""
    healthy = parts.store
    return parts.with_store(TaskStore(healthy.redis, healthy.agent, healthy.clock, lease_s=FOR_EVER_S))
