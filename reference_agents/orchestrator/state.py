"""What an orchestration has come to, in Redis: the plan, each node's result, each person's answer.

Every fact is written once and the first write stands (HSETNX). So a worker that lost its lease and one that took
over can both write: they agree on the plan, and on how each node ended.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from redis.asyncio import Redis

from reference_agents.orchestrator.plan import Node, Plan
from reference_agents.orchestrator.schemas import Answer, NodeResult
from reference_agents.runner.schemas import TaskRequest
from reference_agents.tasks.store import KEEP_S


@dataclass(frozen=True)
class Snapshot:
    """An orchestration as of now."""

    plan: Plan | None = None
    results: dict[str, NodeResult] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The plan's nodes, in its order; none as long as there is no plan."""
        return self.plan.nodes if self.plan is not None else ()

    @property
    def tokens(self) -> int:
        """Tokens that the agents have used."""
        return sum(result.tokens_used for result in self.results.values())


class RunState:
    """The facts of every orchestration."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    @staticmethod
    def key(task_id: str) -> str:
        """Where the facts of `task_id` are."""
        return f"orchestrator:run:{task_id}"

    async def read(self, task_id: str) -> Snapshot:
        """Everything that is known of `task_id`."""
        found = Snapshot()
        plan = None
        facts: Any = await self._redis.hgetall(self.key(task_id))
        for raw_name, value in facts.items():
            kind, _, name = raw_name.decode().partition(":")
            if kind == "plan":
                plan = Plan.model_validate_json(value)
            elif kind == "node":
                found.results[name] = NodeResult.model_validate_json(value)
            elif kind == "answer":
                found.answers[name] = value.decode()
        return Snapshot(plan, found.results, found.answers)

    async def keep_plan(self, task_id: str, plan: Plan) -> Plan:
        """Keep the plan; the one that stands, which may be another worker's."""
        return Plan.model_validate_json(await self._first(task_id, "plan", plan.model_dump_json()))

    async def keep_request(self, task_id: str, node_id: str, request: TaskRequest) -> TaskRequest:
        """Keep what a node's agent is asked; the request that stands: one idempotency key has one body."""
        kept = await self._first(task_id, f"request:{node_id}", request.model_dump_json())
        return TaskRequest.model_validate_json(kept)

    async def keep_result(self, task_id: str, result: NodeResult) -> NodeResult:
        """Keep how a node ended; the result that stands."""
        kept = await self._first(task_id, f"node:{result.id}", result.model_dump_json())
        return NodeResult.model_validate_json(kept)

    async def keep_answer(self, task_id: str, answer: Answer) -> bool:
        """Keep a person's answer; False where another one stands already."""
        return await self._first(task_id, f"answer:{answer.node}", answer.text) == answer.text.encode()

    async def _first(self, task_id: str, name: str, value: str) -> bytes:
        pipe = self._redis.pipeline(transaction=True)
        pipe.hsetnx(self.key(task_id), name, value)
        pipe.expire(self.key(task_id), KEEP_S)
        pipe.hget(self.key(task_id), name)
        kept: bytes = (await pipe.execute())[2]
        return kept
