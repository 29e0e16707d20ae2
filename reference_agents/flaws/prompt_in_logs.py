"""Every task is logged with its prompt and its session in the clear."""

from __future__ import annotations

from dataclasses import dataclass

from reference_agents.api.deps import Parts
from reference_agents.flaws.replacing import as_kind
from reference_agents.runner.core import AgentRunner, Checkpoint, Progress
from reference_agents.runner.schemas import AgentResult, AgentTask


@dataclass
class Talkative(AgentRunner):
    async def run(self, task: AgentTask, progress: Progress, checkpoint: Checkpoint) -> AgentResult:
        self.log.info("task begins", task_id=task.id, session_id=task.session_id, prompt=task.prompt)
        return await super().run(task, progress, checkpoint)


def apply(parts: Parts) -> Parts:
    """Replace the runner."""
    return parts.with_runner(as_kind(Talkative, parts.runner))
