"""A session's memory: the last turns, in Redis, and a context that stays bounded."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from redis.asyncio import Redis

from reference_agents.llm.messages import Message
from reference_agents.runner import tokens

TURNS = 20
EXPIRY_S = 24 * 3600
CONTEXT_TOKENS = 3000


class ContextManager:
    """Remembers finished turns of a session and builds what the model is sent. Nothing stays in the process."""

    def __init__(self, redis: Redis, agent: str, *, turns: int = TURNS, context_tokens: int = CONTEXT_TOKENS) -> None:
        self.redis, self.agent = redis, agent
        self.turns, self.context_tokens = turns, context_tokens

    def _key(self, session_id: str) -> str:
        return f"{self.agent}:session:{session_id}"

    async def history(self, session_id: str) -> list[Message]:
        """The last turns, oldest first."""
        rows: Any = await self.redis.lrange(self._key(session_id), -self.turns, -1)
        return [Message.model_validate_json(row) for row in rows]

    async def remember(self, session_id: str, task_id: str, turns: Sequence[Message]) -> None:
        """Add a task's question and answer; a task that is finished twice is remembered once."""
        key = self._key(session_id)
        if not await self.redis.set(f"{key}:seen:{task_id}", 1, nx=True, ex=EXPIRY_S):
            return
        pipe = self.redis.pipeline(transaction=True)
        pipe.rpush(key, *(json.dumps(turn.model_dump(exclude_defaults=True)) for turn in turns))
        pipe.ltrim(key, -self.turns, -1)
        pipe.expire(key, EXPIRY_S)
        await pipe.execute()

    def context(self, system: str, history: Sequence[Message], work: Sequence[Message]) -> list[Message]:
        """System prompt, as much of the history as fits, then the present work; see `compress`."""
        head = Message(role="system", content=system)
        return compress([head, *history, *work], self.context_tokens, keep_last=len(work))


def compress(messages: Sequence[Message], most: int, *, keep_last: int = 1) -> list[Message]:
    """As much of the newest as fits into `most` tokens.

    System messages and the last `keep_last` turns are kept (of these, long tool results are shortened when
    they alone do not fit); a tool result is never kept without the call it answers, nor the other way round.
    """
    system = [m for m in messages if m.role == "system"]
    rest = [m for m in messages if m.role != "system"]
    cut = max(0, len(rest) - keep_last)
    older, kept = rest[:cut], rest[cut:]
    left = most - sum(map(tokens.of_message, [*system, *kept]))
    if left < 0:
        kept = _shortened(kept, -left)
        left = 0
    chosen: list[Message] = []
    for group in reversed(_groups(older)):
        size = sum(map(tokens.of_message, group))
        if size > left:
            break
        left -= size
        chosen[:0] = group
    return [*system, *chosen, *kept]


def _groups(messages: Sequence[Message]) -> list[list[Message]]:
    """Turns that stand or fall together: a call with its results."""
    groups: list[list[Message]] = []
    for message in messages:
        if message.role == "tool" and groups:
            groups[-1].append(message)
        else:
            groups.append([message])
    return groups


def _shortened(messages: Sequence[Message], excess: int) -> list[Message]:
    """The same turns with tool results cut, the oldest first, until `excess` tokens are saved."""
    result = list(messages)
    for index, message in enumerate(result):
        if excess <= 0:
            break
        size = tokens.count(message.content)
        if message.role != "tool" or size <= 50:
            continue
        keep = max(50, size - excess)
        text = message.content[: max(1, len(message.content) * keep // size)] + " [shortened]"
        result[index] = message.model_copy(update={"content": text})
        excess -= size - tokens.count(text)
    return result
