"""Tasks in Redis: accepted only once they are durable, owned by one worker at a time.

    submit ──▶ queue ──claim──▶ lease (fence n) ──finish──▶ result
                 ▲                  │ expired: its worker is gone
                 └──────────────────┘ claim again, fence n+1

Every write of a worker names its fence; a worker whose lease went to another is refused (Kleppmann, "How to
do distributed locking", 2016). Each step below is one Lua script, so it happens whole or not at all.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from reference_agents.common.clock import Clock
from reference_agents.runner.core import Progress
from reference_agents.runner.schemas import AgentResult, AgentTask, TaskRequest, TaskStatus
from reference_agents.tasks.events import TELL

KEEP_S = 24 * 3600
MOST_ATTEMPTS = 5  # claims before a task is given up: it has killed that many workers

SUBMIT = (
    TELL
    + """
local known = redis.call('HMGET', KEYS[2], 'task', 'print')
if known[1] then
  if known[2] ~= ARGV[3] then return {'conflict', known[1]} end
  return {'known', known[1]}
end
if ARGV[4] ~= '' then
  redis.call('HSET', KEYS[2], 'task', ARGV[1], 'print', ARGV[3])
  redis.call('EXPIRE', KEYS[2], ARGV[5])
end
redis.call('HSET', KEYS[1], 'task', ARGV[2], 'status', 'pending', 'fence', 0)
redis.call('EXPIRE', KEYS[1], ARGV[5])
tell_status(KEYS[1], 'pending', '')
redis.call('EXPIRE', KEYS[1] .. ':events', ARGV[5])
redis.call('LPUSH', KEYS[3], ARGV[1])
return {'new', ARGV[1]}
"""
)
CLAIM = (
    TELL
    + """
local id = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', ARGV[1], 'LIMIT', 0, 1)[1]
if not id then id = redis.call('RPOP', KEYS[1]) end
if not id then return nil end
local key = ARGV[3] .. id
local status = redis.call('HGET', key, 'status')
if status ~= 'pending' and status ~= 'running' then
  redis.call('ZREM', KEYS[2], id)
  return {id, '', '', ''}
end
local fence = redis.call('HINCRBY', key, 'fence', 1)
redis.call('HSET', key, 'status', 'running', 'worker', ARGV[4])
redis.call('ZADD', KEYS[2], ARGV[2], id)
tell_status(key, 'running', '')
local row = redis.call('HMGET', key, 'task', 'progress')
return {id, tostring(fence), row[1], row[2] or ''}
"""
)
RENEW = """
if redis.call('HGET', KEYS[1], 'fence') ~= ARGV[1] then return 0 end
redis.call('ZADD', KEYS[2], 'XX', ARGV[2], ARGV[3])
return 1
"""
CHECKPOINT = (
    TELL
    + """
if redis.call('HGET', KEYS[1], 'fence') ~= ARGV[1] then return 'stale' end
redis.call('HSET', KEYS[1], 'progress', ARGV[2])
for _, event in ipairs(cjson.decode(ARGV[3])) do tell(KEYS[1], event[1], event[2]) end
if redis.call('HGET', KEYS[1], 'cancel') then return 'cancel' end
return 'ok'
"""
)
FINISH = (
    TELL
    + """
local row = redis.call('HMGET', KEYS[1], 'fence', 'status')
if row[1] ~= ARGV[1] or row[2] ~= 'running' then return 0 end
redis.call('HSET', KEYS[1], 'status', ARGV[2], 'result', ARGV[3])
redis.call('HDEL', KEYS[1], 'progress')
tell_status(KEYS[1], ARGV[2], ARGV[6])
redis.call('EXPIRE', KEYS[1] .. ':events', ARGV[5])
redis.call('ZREM', KEYS[2], ARGV[4])
redis.call('EXPIRE', KEYS[1], ARGV[5])
return 1
"""
)
CANCEL = (
    TELL
    + """
local status = redis.call('HGET', KEYS[1], 'status')
if not status then return nil end
if status == 'pending' then
  redis.call('HSET', KEYS[1], 'status', 'cancelled', 'result', ARGV[1])
  redis.call('LREM', KEYS[2], 1, ARGV[2])
  tell_status(KEYS[1], 'cancelled', 'cancelled')
  return 'cancelled'
end
if status == 'running' then redis.call('HSET', KEYS[1], 'cancel', '1') end
return status
"""
)


class KeyReused(Exception):
    """The idempotency key belongs to another request."""


class StaleFence(Exception):
    """Another worker has the task now: nothing this one writes counts any more."""


@dataclass(frozen=True)
class Claim:
    """A task that this worker holds."""

    task: AgentTask
    fence: int
    progress: Progress


class TaskStore:
    """The tasks of one agent."""

    def __init__(self, redis: Redis, agent: str, clock: Clock, *, lease_s: float) -> None:
        self.agent, self.redis, self.clock, self.lease_s = agent, redis, clock, lease_s
        self._prefix = f"{agent}:task:"
        self._queue, self._leases, self._keys = f"{agent}:queue", f"{agent}:leases", f"{agent}:key:"
        self.submit_script = redis.register_script(SUBMIT)
        self.claim_script = redis.register_script(CLAIM)
        self.renew_script = redis.register_script(RENEW)
        self.checkpoint_script = redis.register_script(CHECKPOINT)
        self.finish_script = redis.register_script(FINISH)
        self.cancel_script = redis.register_script(CANCEL)

    async def submit(self, task: AgentTask, key: str | None) -> tuple[str, bool]:
        """Accept a task; returns the id it has, and whether it is new. Raises KeyReused."""
        request = TaskRequest(**task.model_dump(include=set(TaskRequest.model_fields)))
        print_ = hashlib.sha256(json.dumps(request.model_dump(), sort_keys=True).encode()).hexdigest()
        name = self._keys + hashlib.sha256((key or task.id).encode()).hexdigest()
        answer, known = await self.submit_script(
            keys=[self._prefix + task.id, name, self._queue],
            args=[task.id, task.model_dump_json(), print_, key or "", KEEP_S],
        )
        if answer == b"conflict":
            raise KeyReused(known.decode())
        return known.decode(), answer == b"new"

    async def claim(self, worker: str) -> Claim | None:
        """The next task whose worker is gone, else the next of the queue; None when there is none."""
        now = self.clock.epoch()
        row = await self.claim_script(
            keys=[self._queue, self._leases], args=[now, now + self.lease_s, self._prefix, worker]
        )
        if row is None or not row[1]:
            return None
        progress = Progress.model_validate_json(row[3]) if row[3] else Progress()
        claim = Claim(AgentTask.model_validate_json(row[2]), int(row[1]), progress)
        if claim.fence > MOST_ATTEMPTS:
            await self.finish(claim, _spent(claim.task.id, TaskStatus.FAILED, progress, "too_many_attempts"))
            return None
        return claim

    async def renew(self, claim: Claim) -> None:
        """Keep the lease. Raises StaleFence."""
        until = self.clock.epoch() + self.lease_s
        kept = await self.renew_script(
            keys=[self._prefix + claim.task.id, self._leases], args=[claim.fence, until, claim.task.id]
        )
        if not kept:
            raise StaleFence(claim.task.id)

    async def checkpoint(self, claim: Claim, progress: Progress) -> bool:
        """Keep the progress and tell its news; True when the owner asked to cancel. Raises StaleFence."""
        answer = await self.checkpoint_script(
            keys=[self._prefix + claim.task.id],
            args=[claim.fence, progress.model_dump_json(), json.dumps([[e.kind, e.data] for e in progress.news])],
        )
        progress.news.clear()
        if answer == b"stale":
            raise StaleFence(claim.task.id)
        return bool(answer == b"cancel")

    async def finish(self, claim: Claim, result: AgentResult) -> None:
        """Keep the result. Raises StaleFence when another worker has the task, or it is over already."""
        result = result.model_copy(update={"attempts": claim.fence})
        done = await self.finish_script(
            keys=[self._prefix + claim.task.id, self._leases],
            args=[claim.fence, str(result.status), result.model_dump_json(), claim.task.id, KEEP_S, result.error],
        )
        if not done:
            raise StaleFence(claim.task.id)

    async def cancel(self, task_id: str) -> TaskStatus | None:
        """Ask for the end of a task; its status as of then, or None when there is no such task."""
        result = AgentResult(task_id=task_id, status=TaskStatus.CANCELLED, error="cancelled")
        answer = await self.cancel_script(
            keys=[self._prefix + task_id, self._queue], args=[result.model_dump_json(), task_id]
        )
        return None if answer is None else TaskStatus(answer.decode())

    async def result(self, task_id: str) -> AgentResult | None:
        """How a task stands; None when there is none."""
        row: list[Any] = await self.redis.hmget(self._prefix + task_id, "status", "result", "progress", "fence")
        if row[0] is None:
            return None
        if row[1] is not None:
            return AgentResult.model_validate_json(row[1])
        progress = Progress.model_validate_json(row[2]) if row[2] else Progress()
        return _spent(task_id, TaskStatus(row[0].decode()), progress).model_copy(update={"attempts": int(row[3] or 0)})

    async def depth(self) -> int:
        """Tasks that wait."""
        return int(await self.redis.llen(self._queue))


def _spent(task_id: str, status: TaskStatus, progress: Progress, error: str = "") -> AgentResult:
    """How a task stands whose runner has not said: what it has used up to its last checkpoint."""
    return AgentResult(
        task_id=task_id,
        status=status,
        steps_used=progress.steps,
        tokens_used=progress.tokens,
        tool_calls=progress.calls,
        model=progress.model,
        error=error,
    )
