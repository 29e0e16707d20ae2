"""Every second look at a task that is over shows it running: reads come from a copy that lags."""

from __future__ import annotations

import itertools

from reference_agents.api.deps import Parts
from reference_agents.runner.schemas import TERMINAL, AgentResult, TaskStatus
from reference_agents.tasks.store import TaskStore


class LaggingStore(TaskStore):
    _looks = itertools.count()

    async def result(self, task_id: str) -> AgentResult | None:
        found = await super().result(task_id)
        if found is None or found.status not in TERMINAL or next(self._looks) % 2 == 0:
            return found
        return AgentResult(task_id=task_id, status=TaskStatus.RUNNING)


def apply(parts: Parts) -> Parts:
    """Replace the store."""
    healthy = parts.store
    return parts.with_store(LaggingStore(healthy.redis, healthy.agent, healthy.clock, lease_s=healthy.lease_s))
