"""Tool calls are in no trace: the agent's span has a gap where its tools were."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from reference_agents.api.deps import Parts
from reference_agents.flaws.replacing import as_kind
from reference_agents.runner.core import AgentRunner
from reference_agents.runner.tools import ToolOutcome


@dataclass
class Unseen(AgentRunner):
    async def _tried(self, name: str, arguments: dict[str, Any], key: str, task_id: str, attempt: int) -> ToolOutcome:
        return await self.tools.call(name, arguments, key=key, task_id=task_id)


def apply(parts: Parts) -> Parts:
    """Replace the runner."""
    return parts.with_runner(as_kind(Unseen, parts.runner))
