"""The key alone decides: another body under a used key gets the first task's answer."""

from __future__ import annotations

from reference_agents.api.deps import Parts
from reference_agents.runner.schemas import AgentTask
from reference_agents.tasks.store import KeyReused, TaskStore


class KeyOnlyStore(TaskStore):
    async def submit(self, task: AgentTask, key: str | None) -> tuple[str, bool]:
        try:
            return await super().submit(task, key)
        except KeyReused as reused:
            return str(reused), False


def apply(parts: Parts) -> Parts:
    """Replace the store."""
    healthy = parts.store
    return parts.with_store(KeyOnlyStore(healthy.redis, healthy.agent, healthy.clock, lease_s=healthy.lease_s))
