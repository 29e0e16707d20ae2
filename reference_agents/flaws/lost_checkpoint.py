"""Progress is never kept: a task that changes its worker begins anew."""

from __future__ import annotations

from reference_agents.api.deps import Parts
from reference_agents.runner.core import Progress
from reference_agents.tasks.store import Claim, TaskStore


class ForgetfulStore(TaskStore):
    async def checkpoint(self, claim: Claim, progress: Progress) -> bool:
        return await super().checkpoint(claim, Progress())


def apply(parts: Parts) -> Parts:
    """Replace the store."""
    healthy = parts.store
    return parts.with_store(ForgetfulStore(healthy.redis, healthy.agent, healthy.clock, lease_s=healthy.lease_s))
