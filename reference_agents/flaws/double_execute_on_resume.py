"""A resumed task does everything again, under new keys: its effects happen twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from reference_agents.api.deps import Parts
from reference_agents.flaws.replacing import as_kind
from reference_agents.runner.core import AgentRunner, Checkpoint, Progress
from reference_agents.runner.schemas import AgentResult, AgentTask
from reference_agents.runner.tools import RegistryClient, ToolOutcome


@dataclass
class PerProcessKeys(RegistryClient):
    salt: str = ""

    async def call(self, name: str, arguments: dict[str, Any], *, key: str, task_id: str) -> ToolOutcome:
        return await super().call(name, arguments, key=f"{self.salt}-{key}", task_id=task_id)


@dataclass
class StartsOver(AgentRunner):
    async def run(self, task: AgentTask, progress: Progress, checkpoint: Checkpoint) -> AgentResult:
        return await super().run(task, Progress(), checkpoint)


def apply(parts: Parts) -> Parts:
    """Replace the runner, and the agent's side of the registry."""
    healthy = parts.runner.tools
    assert isinstance(healthy, RegistryClient)
    parts.runner.tools = PerProcessKeys(healthy.http, healthy.url, healthy.agent_id, salt=parts.settings.pod)
    return parts.with_runner(as_kind(StartsOver, parts.runner))
