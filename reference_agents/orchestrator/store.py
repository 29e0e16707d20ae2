"""Orchestrations as tasks that can also be parked: while a person is asked, no worker holds them.

running ──questions──▶ input_required ──every answer is there──▶ pending (queue) ──▶ running
"""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter
from redis.asyncio import Redis

from reference_agents.common.clock import Clock
from reference_agents.orchestrator.schemas import (
    Answer,
    Ended,
    NodeResult,
    NodeStatus,
    OrchestrationResult,
    OrchestrationStatus,
    Question,
)
from reference_agents.orchestrator.state import RunState, Snapshot
from reference_agents.runner.core import Progress
from reference_agents.runner.schemas import AgentResult, AgentTask, TaskStatus
from reference_agents.tasks.store import KEEP_S, Claim, StaleFence, TaskStore

PARK = """
local row = redis.call('HMGET', KEYS[1], 'fence', 'status')
if row[1] ~= ARGV[1] or row[2] ~= 'running' then return 0 end
redis.call('ZREM', KEYS[2], ARGV[2])
redis.call('HSET', KEYS[1], 'questions', ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[4])
if redis.call('HGET', KEYS[1], 'cancel') then
  redis.call('HSET', KEYS[1], 'status', 'cancelled', 'result', ARGV[5])
  return 1
end
for i = 6, #ARGV do
  if redis.call('HEXISTS', KEYS[4], 'answer:' .. ARGV[i]) == 0 then
    redis.call('HSET', KEYS[1], 'status', 'input_required')
    return 1
  end
end
redis.call('HSET', KEYS[1], 'status', 'pending')
redis.call('LPUSH', KEYS[3], ARGV[2])
return 1
"""
RESUME = """
if redis.call('HGET', KEYS[1], 'status') ~= 'input_required' then return 0 end
for i = 2, #ARGV do
  if redis.call('HEXISTS', KEYS[3], 'answer:' .. ARGV[i]) == 0 then return 0 end
end
redis.call('HSET', KEYS[1], 'status', 'pending')
redis.call('LPUSH', KEYS[2], ARGV[1])
return 1
"""
CANCEL_PARKED = """
if redis.call('HGET', KEYS[1], 'status') ~= 'input_required' then return 0 end
redis.call('HSET', KEYS[1], 'status', 'cancelled', 'result', ARGV[1])
return 1
"""

_QUESTIONS = TypeAdapter(list[Question])


class NotAsked(Exception):
    """There is no such open question."""


class OrchestrationStore(TaskStore):
    """The orchestrator's tasks, over the same queue, leases and fences as any agent's."""

    def __init__(self, redis: Redis, clock: Clock, state: RunState, *, lease_s: float) -> None:
        super().__init__(redis, "orchestrator", clock, lease_s=lease_s)
        self.state = state
        self._park = redis.register_script(PARK)
        self._resume = redis.register_script(RESUME)
        self._cancel_parked = redis.register_script(CANCEL_PARKED)

    async def finish(self, claim: Claim, result: AgentResult) -> None:
        """Keep the result, or park the task where it has questions. Raises StaleFence."""
        if not isinstance(result, Ended) or not result.questions:
            await super().finish(claim, result)
            return
        task_id = claim.task.id
        cancelled = Ended(task_id=task_id, status=TaskStatus.CANCELLED, error="cancelled", nodes=result.nodes)
        done = await self._park(
            keys=[self._prefix + task_id, self._leases, self._queue, self.state.key(task_id)],
            args=[
                claim.fence,
                task_id,
                _QUESTIONS.dump_json(result.questions),
                KEEP_S,
                cancelled.model_dump_json(),
                *(question.node for question in result.questions),
            ],
        )
        if not done:
            raise StaleFence(task_id)

    async def answer(self, task_id: str, answer: Answer) -> bool:
        """Take a person's answer, and queue the task again once nothing is open; False where another stands.

        Raises NotAsked where the task does not ask `answer.node`.
        """
        asked = await self._questions(task_id)
        if answer.node not in {question.node for question in asked}:
            raise NotAsked(answer.node)
        kept = await self.state.keep_answer(task_id, answer)
        await self._resume(
            keys=[self._prefix + task_id, self._queue, self.state.key(task_id)],
            args=[task_id, *(question.node for question in asked)],
        )
        return kept

    async def cancel(self, task_id: str) -> TaskStatus | None:
        """Ask for the end of a task; its status as of then, or None when there is no such task."""
        result = Ended(task_id=task_id, status=TaskStatus.CANCELLED, error="cancelled")
        if await self._cancel_parked(keys=[self._prefix + task_id], args=[result.model_dump_json()]):
            return TaskStatus.CANCELLED
        return await super().cancel(task_id)

    async def request(self, task_id: str) -> AgentTask | None:
        """What was asked for; None when there is no such task."""
        row: Any = await self.redis.hget(self._prefix + task_id, "task")
        return None if row is None else AgentTask.model_validate_json(row)

    async def orchestration(self, task_id: str) -> OrchestrationResult | None:
        """How a task stands, node by node; None when there is none."""
        row: Any = await self.redis.hmget(self._prefix + task_id, "status", "result", "progress", "fence")
        if row[0] is None:
            return None
        status = OrchestrationStatus(row[0].decode())
        facts = await self.state.read(task_id)
        nodes = standing(facts, running=status is OrchestrationStatus.RUNNING)
        if row[1] is not None:
            ended = Ended.model_validate_json(row[1])
            kept = ended.model_dump(exclude={"status", "nodes", "questions"})
            return OrchestrationResult(status=status, nodes=ended.nodes or nodes, **kept)
        progress = Progress.model_validate_json(row[2]) if row[2] else Progress()
        ran = facts.results.values()
        return OrchestrationResult(
            task_id=task_id,
            status=status,
            model=progress.model,
            nodes=nodes,
            questions=await self._questions(task_id) if status is OrchestrationStatus.INPUT_REQUIRED else [],
            steps_used=sum(1 for node in ran if node.attempts),
            tokens_used=progress.tokens + facts.tokens,
            tool_calls=[call for node in ran for call in node.tool_calls],
            attempts=int(row[3] or 0),
        )

    async def _questions(self, task_id: str) -> list[Question]:
        """What the task asked when it was parked; nothing where it is not."""
        row: Any = await self.redis.hmget(self._prefix + task_id, "questions", "status")
        return _QUESTIONS.validate_json(row[0]) if row[1] == b"input_required" else []


def standing(facts: Snapshot, *, running: bool) -> list[NodeResult]:
    """Every node of the plan as it stands, in the plan's order; running ones are those whose needs are met."""
    done = {name for name, result in facts.results.items() if result.status is NodeStatus.COMPLETED}
    rows = []
    for node in facts.nodes:
        found = facts.results.get(node.id)
        begun = running and done.issuperset(node.depends_on)
        rows.append(found or NodeResult.of(node, NodeStatus.RUNNING if begun else NodeStatus.WAITING))
    return rows
