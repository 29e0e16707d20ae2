"""Idempotency-Key is accepted and ignored: a repeated POST is a second task."""

from __future__ import annotations

from reference_agents.api.deps import Parts
from reference_agents.runner.schemas import AgentTask
from reference_agents.tasks.store import TaskStore


class KeylessStore(TaskStore):
    async def submit(self, task: AgentTask, key: str | None) -> tuple[str, bool]:
        return await super().submit(task, None)


def apply(parts: Parts) -> Parts:
    """Replace the store."""
    healthy = parts.store
    return parts.with_store(KeylessStore(healthy.redis, healthy.agent, healthy.clock, lease_s=healthy.lease_s))
