"""Every tool call goes out under a key of its own, so a repeated call is a second effect."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

from reference_agents.api.deps import Parts
from reference_agents.flaws.replacing import as_kind
from reference_agents.runner.tools import RegistryClient, ToolOutcome


@dataclass
class KeylessClient(RegistryClient):
    async def call(self, name: str, arguments: dict[str, Any], *, key: str, task_id: str) -> ToolOutcome:
        return await super().call(name, arguments, key=secrets.token_hex(8), task_id=task_id)


def apply(parts: Parts) -> Parts:
    """Replace the agent's side of the registry."""
    parts.runner.tools = as_kind(KeylessClient, parts.runner.tools)
    return parts
