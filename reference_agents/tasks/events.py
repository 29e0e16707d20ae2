"""What happened to a task, in order: a Redis stream beside it, written in the same step as what it tells of.

A status, a checkpoint and its event are one Lua script, so no event is lost, none is told twice, and a worker whose
lease went to another tells nothing. An event's id is the stream's: a reader goes on after the last one it has.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from reference_agents.runner.schemas import TERMINAL

MOST = 1000  # events kept of a task; a task of 25 steps has some hundred
BLOCK_MS = 1000  # shorter than any socket timeout in use

TELL = f"""
local function tell(key, kind, data)
  redis.call('XADD', key .. ':events', 'MAXLEN', '~', {MOST}, '*', 'kind', kind, 'data', data)
end
local function tell_status(key, status, error)
  tell(key, 'status', cjson.encode({{status = status, error = error}}))
end
"""


@dataclass(frozen=True)
class TaskEvent:
    """`kind` is llm_call, tool_call, tool_result or status; `data` is a JSON object."""

    id: str
    kind: str
    data: str

    @property
    def last(self) -> bool:
        """Nothing comes after this one."""
        return self.kind == "status" and json.loads(self.data)["status"] in TERMINAL


@dataclass
class EventLog:
    """The events of one agent's tasks. A reader holds a connection while it waits, so give it a pool of its own."""

    redis: Redis
    agent: str
    leaving: bool = False

    def leave(self) -> None:
        """End every stream within a second: the process is about to go, its readers go on elsewhere."""
        self.leaving = True

    async def follow(self, task_id: str, after: str = "0-0") -> AsyncIterator[TaskEvent | None]:
        """The events after `after`, those there are and those to come, up to the one that ends the task.

        None about once a second while nothing happens, so that the caller can see whether its reader is there.
        Ends also after `leave`, or when the stream has expired. Raises RedisError.
        """
        key = f"{self.agent}:task:{task_id}:events"
        while not self.leaving:
            answer: Any = await self.redis.xread({key: after}, count=100, block=BLOCK_MS)
            if not answer:
                if not await self.redis.exists(key):
                    return
                yield None
                if await self._over(key, after):
                    return
                continue
            for id_, fields in _rows(answer):
                event = TaskEvent(id_.decode(), fields[b"kind"].decode(), fields[b"data"].decode())
                after = event.id
                yield event
                if event.last:
                    return

    async def _over(self, key: str, after: str) -> bool:
        """Has the reader had the last event before it came? Then nothing will follow."""
        rows: Any = await self.redis.xrevrange(key, count=1)
        if not rows:
            return True
        id_, fields = rows[0]
        last = TaskEvent(id_.decode(), fields[b"kind"].decode(), fields[b"data"].decode())
        return last.last and _order(last.id) <= _order(after)


def _order(id_: str) -> tuple[int, int]:
    milliseconds, _, sequence = id_.partition("-")
    return int(milliseconds), int(sequence or 0)


def _rows(answer: Any) -> list[tuple[bytes, dict[bytes, bytes]]]:
    """The rows of the one stream that was asked for; RESP2 answers with a list, RESP3 with a mapping."""
    if isinstance(answer, dict):
        (batches,) = answer.values()
        return [row for batch in batches for row in batch]
    return list(answer[0][1])
