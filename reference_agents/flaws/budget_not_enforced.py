"""The token budget of a task is accepted and ignored."""

from __future__ import annotations

from dataclasses import dataclass

from reference_agents.api.deps import Parts
from reference_agents.flaws.replacing import as_kind
from reference_agents.runner.core import AgentRunner, Checkpoint, Progress
from reference_agents.runner.schemas import AgentResult, AgentTask


@dataclass
class Spendthrift(AgentRunner):
    async def run(self, task: AgentTask, progress: Progress, checkpoint: Checkpoint) -> AgentResult:
        return await super().run(task.model_copy(update={"token_budget": 10**9}), progress, checkpoint)


def apply(parts: Parts) -> Parts:
    """Replace the runner."""
    return parts.with_runner(as_kind(Spendthrift, parts.runner))
