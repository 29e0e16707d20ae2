"""Each attempt at a node has an idempotency key of its own: an answer that was lost is work that is done again."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from reference_agents.orchestrator.agents import Agents
from reference_agents.orchestrator.deps import OrchestratorParts
from reference_agents.runner.schemas import AgentResult, TaskRequest


@dataclass
class Forgetful:
    """Agents that are asked under a new key each time."""

    inner: Agents

    async def run(self, agent: str, request: TaskRequest, key: str) -> AgentResult:
        return await self.inner.run(agent, request, uuid.uuid4().hex)

    async def cancel(self, agent: str, request: TaskRequest, key: str) -> None:
        pass


def apply_orchestrator(parts: OrchestratorParts) -> OrchestratorParts:
    """Put a forgetful caller before the agents."""
    parts.orchestrator.nodes.agents = Forgetful(parts.orchestrator.nodes.agents)
    return parts
