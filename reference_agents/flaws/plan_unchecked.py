"""A plan is run as the model wrote it: nobody looks whether its agents and its dependencies are there."""

from __future__ import annotations

from reference_agents.flaws.replacing import as_kind
from reference_agents.llm.messages import Message
from reference_agents.orchestrator import prompts
from reference_agents.orchestrator.deps import OrchestratorParts
from reference_agents.orchestrator.plan import Plan
from reference_agents.orchestrator.planner import PLAN_TOKENS, Ask, Planner


class Trusting(Planner):
    async def plan(self, prompt: str, most: int, ask: Ask) -> Plan:
        system = prompts.planner(self.agents.values(), most)
        messages = [Message(role="system", content=system), Message(role="user", content=prompt)]
        reply = await ask(self.llm, messages, PLAN_TOKENS)
        return Plan.model_validate_json(reply.content)


def apply_orchestrator(parts: OrchestratorParts) -> OrchestratorParts:
    """Replace the planner."""
    parts.orchestrator.planner = as_kind(Trusting, parts.orchestrator.planner)
    return parts
