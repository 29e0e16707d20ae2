"""A failed tool call is told to the model as an empty result; nobody hears that it failed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from reference_agents.api.deps import Parts
from reference_agents.flaws.replacing import as_kind
from reference_agents.runner.tools import RegistryClient, ToolOutcome


@dataclass
class Silent(RegistryClient):
    async def call(self, name: str, arguments: dict[str, Any], *, key: str, task_id: str) -> ToolOutcome:
        outcome = await super().call(name, arguments, key=key, task_id=task_id)
        return outcome if outcome.ok else ToolOutcome(True, "{}")


def apply(parts: Parts) -> Parts:
    """Replace the agent's side of the registry."""
    parts.runner.tools = as_kind(Silent, parts.runner.tools)
    return parts
