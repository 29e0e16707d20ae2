"""The ledger: what a tool really did, once per idempotency key, kept in Redis so that a restart forgets nothing."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from redis.asyncio import Redis

from refstack.common.clock import Clock
from refstack.common.context import current

KEEP_S = 24 * 3600
BUSY_S = 30
_DONE = """
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[3])
local n = redis.call('INCR', KEYS[3])
local row = cjson.decode(ARGV[2])
row['seq'] = n
redis.call('RPUSH', KEYS[2], cjson.encode(row))
redis.call('LTRIM', KEYS[2], -20000, -1)
return n
"""


@dataclass
class Ledger:
    """Runs each action once per key and writes down that it did."""

    redis: Redis
    tool: str
    version: str
    clock: Clock

    async def once(
        self, headers: Mapping[str, str], arguments: dict[str, Any], act: Callable[[], Awaitable[Any]]
    ) -> Any:
        """The result of `act`, or the one it had before under the same Idempotency-Key.

        Order: take the key, act, then write result and ledger entry in one step. Without a key every call acts.
        Raises TimeoutError when another call holds the key for too long.
        """
        key = headers.get("idempotency-key", "")
        result_key = f"tool:{self.tool}:result:{key}"
        busy_key = f"tool:{self.tool}:busy:{key}"
        if key:
            known = await self._known_or_mine(result_key, busy_key)
            if known is not None:
                return json.loads(known)
        try:
            result = await act()
            entry = self._entry(headers, arguments, key)
            done = self.redis.register_script(_DONE)
            keys = [
                result_key if key else f"tool:{self.tool}:last",
                f"tool:{self.tool}:ledger",
                f"tool:{self.tool}:seq",
            ]
            await done(keys=keys, args=[json.dumps(result), json.dumps(entry), KEEP_S])
            return result
        finally:
            if key:
                await self.redis.delete(busy_key)

    async def _known_or_mine(self, result_key: str, busy_key: str) -> bytes | None:
        for _ in range(100):
            known = cast("bytes | None", await self.redis.get(result_key))
            if known is not None:
                return known
            if await self.redis.set(busy_key, 1, nx=True, ex=BUSY_S):
                # Whoever held the key may have ended between our two questions.
                return cast("bytes | None", await self.redis.get(result_key))
            await asyncio.sleep(0.05)
        raise TimeoutError("another call holds this key")

    def _entry(self, headers: Mapping[str, str], arguments: dict[str, Any], key: str) -> dict[str, Any]:
        text = json.dumps(arguments, sort_keys=True, separators=(",", ":"))
        return {
            "at": self.clock.epoch(),
            "tool": self.tool,
            "version": self.version,
            "idempotency_key": key,
            "request_id": headers.get("x-request-id", ""),
            "agent_id": headers.get("x-agent-id", ""),
            "task_id": headers.get("x-task-id", ""),
            "arguments_sha256": hashlib.sha256(text.encode()).hexdigest(),
            "trace_id": current().trace_id,
            "outcome": "ok",
        }

    async def entries(self, since: int = 0) -> list[dict[str, Any]]:
        """What was done, in order; `since` leaves out entries up to that number."""
        rows = await self.redis.lrange(f"tool:{self.tool}:ledger", 0, -1)
        parsed = [json.loads(row) for row in rows]
        return [row for row in parsed if row["seq"] > since]
