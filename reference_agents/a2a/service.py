"""The orchestrator's A2A routes: the agent card, JSON-RPC at /a2a, HTTP+JSON below /a2a/v1."""

from __future__ import annotations

from collections.abc import Iterable

from a2a.server.routes import create_agent_card_routes, create_jsonrpc_routes, create_rest_routes
from a2a.types import a2a_pb2 as a2a
from starlette.routing import BaseRoute

from reference_agents.a2a.handler import OrchestratorA2A
from reference_agents.orchestrator.directory import AgentEntry

RPC, REST = "/a2a", "/a2a/v1"


def card(public_url: str, agents: Iterable[AgentEntry]) -> a2a.AgentCard:
    """What the orchestrator says of itself: one skill for each agent that it can ask."""
    base = public_url.rstrip("/")
    bindings = (("JSONRPC", base + RPC), ("HTTP+JSON", base + REST))
    return a2a.AgentCard(
        name="orchestrator",
        description="Plans a request over several agents, runs the plan, and answers from their results.",
        version="1.0.0",
        supported_interfaces=[
            a2a.AgentInterface(url=url, protocol_binding=binding, protocol_version="1.0") for binding, url in bindings
        ],
        capabilities=a2a.AgentCapabilities(streaming=True, push_notifications=False, extended_agent_card=False),
        default_input_modes=["text/plain"],
        default_output_modes=["text/plain"],
        skills=[
            a2a.AgentSkill(id=agent.name, name=agent.name, description=agent.description or agent.name, tags=["agent"])
            for agent in agents
        ],
    )


def routes(handler: OrchestratorA2A, found: a2a.AgentCard) -> list[BaseRoute]:
    """Every route of the protocol."""
    return [
        *create_agent_card_routes(found),
        *create_jsonrpc_routes(handler, RPC),
        *create_rest_routes(handler, path_prefix=REST),
    ]
