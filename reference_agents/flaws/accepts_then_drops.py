"""Every fifth task is accepted with 202 and never queued."""

from __future__ import annotations

import itertools

from reference_agents.api.deps import Parts
from reference_agents.runner.schemas import AgentTask
from reference_agents.tasks.store import SUBMIT, TaskStore

EVERY = 5


class LeakyStore(TaskStore):
    _count = itertools.count(1)

    async def submit(self, task: AgentTask, key: str | None) -> tuple[str, bool]:
        queueing = "redis.call('LPUSH', KEYS[3], ARGV[1])"
        assert queueing in SUBMIT
        dropped = next(self._count) % EVERY == 0
        self.submit_script = self.redis.register_script(SUBMIT.replace(queueing, "") if dropped else SUBMIT)
        return await super().submit(task, key)


def apply(parts: Parts) -> Parts:
    """Replace the store."""
    healthy = parts.store
    return parts.with_store(LeakyStore(healthy.redis, healthy.agent, healthy.clock, lease_s=healthy.lease_s))
