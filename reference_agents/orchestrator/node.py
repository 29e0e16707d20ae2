"""One node: what its agent is asked, under supervision, until it has a result."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from reference_agents.common import spans
from reference_agents.common.clock import Clock
from reference_agents.orchestrator.agents import Agents
from reference_agents.orchestrator.directory import AgentEntry
from reference_agents.orchestrator.plan import Node
from reference_agents.orchestrator.schemas import NodeResult, NodeStatus
from reference_agents.orchestrator.supervisor import Escalated, Recoverable, Supervisor, Unrecoverable
from reference_agents.runner.schemas import AgentResult, TaskRequest, TaskStatus

TRANSIENT = frozenset({"llm_unavailable", "deadline_exceeded", "registry_unavailable"})
"""An agent's errors that another task of the same words may not meet."""


@dataclass(frozen=True)
class Handed:
    """What an agent was handed, and under which key."""

    node: Node
    request: TaskRequest
    key: str


@dataclass
class InFlight:
    """The tasks that agents have at present for one orchestration."""

    by_node: dict[str, Handed] = field(default_factory=dict)


def node_key(task_id: str, node_id: str, generation: int) -> str:
    """The idempotency key of a node's task. A new one only after the agent itself said that the last one failed:
    a time-out says nothing about what was done, so the next attempt asks for the same task again."""
    text = json.dumps([task_id, node_id, generation])
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@dataclass
class NodeRunner:
    """Runs nodes."""

    agents: Agents
    directory: Mapping[str, AgentEntry]
    supervisor: Supervisor
    clock: Clock

    async def run(self, task_id: str, node: Node, request: TaskRequest, flight: InFlight) -> NodeResult:
        """How `node` ended: a failure is a result, not an exception."""
        with spans.span(
            f"invoke_agent {node.agent}", "client", gen_ai__operation__name="invoke_agent",
            gen_ai__agent__name=node.agent,
        ) as span:  # fmt: skip
            result = await self._run(task_id, node, request, flight)
            span.put(orchestrator__attempts=result.attempts, agent__status=str(result.status))
            if result.error:
                span.failed(result.error.partition(":")[0])
            return result

    async def _run(self, task_id: str, node: Node, request: TaskRequest, flight: InFlight) -> NodeResult:
        began, generation, spent, last = (
            self.clock.monotonic(),
            0,
            0,
            AgentResult(task_id="", status=TaskStatus.PENDING),
        )

        async def attempt() -> AgentResult:
            nonlocal generation, spent, last
            handed = Handed(node, request, node_key(task_id, node.id, generation))
            flight.by_node[node.id] = handed
            last = await self.agents.run(node.agent, request, handed.key)
            del flight.by_node[node.id]
            spent += last.tokens_used
            if last.status is TaskStatus.COMPLETED:
                return last
            if last.error.partition(":")[0] not in TRANSIENT:
                raise Unrecoverable(last.error or str(last.status))
            if not self.directory[node.agent].repeatable and any(call.outcome == "ok" for call in last.tool_calls):
                raise Unrecoverable(f"{last.error}, after effects that must not be repeated")
            generation += 1
            raise Recoverable(last.error)

        try:
            _, attempts = await self.supervisor.supervise(attempt)
            status, error = NodeStatus.COMPLETED, ""
        except Escalated as escalated:
            status, error, attempts = NodeStatus.FAILED, str(escalated), escalated.attempts
            await self.abandon(flight, node.id)
        return NodeResult(
            id=node.id,
            agent=node.agent,
            status=status,
            depends_on=node.depends_on,
            task_id=last.task_id,
            output=last.output if status is NodeStatus.COMPLETED else "",
            error=error,
            attempts=attempts,
            steps_used=last.steps_used,
            tokens_used=spent,
            duration_ms=round((self.clock.monotonic() - began) * 1000, 3),
            tool_calls=last.tool_calls,
        )

    async def abandon(self, flight: InFlight, *node_ids: str) -> list[Node]:
        """Tell the agents that nobody waits any more for these nodes, or for all; those that were under way."""
        names = node_ids or tuple(flight.by_node)
        handed = [flight.by_node.pop(name) for name in names if name in flight.by_node]
        await asyncio.gather(*(self.agents.cancel(each.node.agent, each.request, each.key) for each in handed))
        return [each.node for each in handed]
