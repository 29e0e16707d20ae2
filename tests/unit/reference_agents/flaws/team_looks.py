"""What the flaws of the orchestrator do."""

from __future__ import annotations

from typing import Any

from reference_agents.common.settings import Settings
from reference_agents.flaws import with_flaw
from reference_agents.llm.messages import Reply, ToolCall
from reference_agents.orchestrator import service as orchestrator
from reference_agents.orchestrator.node import InFlight
from reference_agents.orchestrator.plan import Node, PlanError
from reference_agents.orchestrator.schemas import NodeResult
from reference_agents.orchestrator.supervisor import Recoverable
from reference_agents.runner.schemas import AgentResult, TaskRequest

AGENTS = '[{"name": "search", "url": "http://agent"}]'
CALL = ToolCall(id="c", name="web_search", arguments={"query": "x"})


class Away:
    """Agents of whom none can be reached; they remember the keys."""

    def __init__(self) -> None:
        self.keys: list[str] = []

    async def run(self, agent: str, request: Any, key: str) -> AgentResult:
        self.keys.append(key)
        raise Recoverable("away")

    async def cancel(self, agent: str, request: Any, key: str) -> None:
        pass


async def orchestrated(name: str) -> tuple[NodeResult, Away]:
    """A node of the orchestrator with the flaw, at an agent that is away."""
    parts, away = (
        orchestrator.assemble(Settings.of({}), orchestrator.OrchestratorSettings.of({"AGENTS": AGENTS})),
        Away(),
    )
    parts.orchestrator.nodes.agents = away
    nodes = with_flaw(parts, name, "apply_orchestrator").orchestrator.nodes
    nodes.supervisor.first_s = 0.0
    asked = TaskRequest(session_id="s", prompt="p")
    return await nodes.run("t", Node(id="a", agent="search", prompt="p"), asked, InFlight()), away


async def branch(name: str) -> Any:
    return str((await orchestrated(name))[0].status)


async def attempts(name: str) -> Any:
    return (await orchestrated(name))[0].attempts


async def node_keys(name: str) -> Any:
    return len(set((await orchestrated(name))[1].keys))


async def planned(name: str) -> Any:
    class Dreamer:
        async def ask(self, messages: Any, **limits: Any) -> Reply:
            return Reply(model="m", content='{"nodes": [{"id": "a", "agent": "oracle", "prompt": "p"}]}')

    parts = orchestrator.assemble(Settings.of({}), orchestrator.OrchestratorSettings.of({"AGENTS": AGENTS}))
    planner = with_flaw(parts, name, "apply_orchestrator").orchestrator.planner
    planner.llm = Dreamer()  # type: ignore[assignment]
    try:
        return (await planner.plan("p", 5, lambda llm, messages, most: llm.ask(messages))).nodes[0].agent
    except PlanError:
        return "refused"
