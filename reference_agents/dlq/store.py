"""Dead letters in Redis: what came, why, how often such a thing came, and what was done about it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from reference_agents.common.clock import Clock
from reference_agents.queue.messages import ATTEMPTS, ERROR, TOPIC, Message, Received, redriven

KEEP_S = 14 * 24 * 3600

ADD = """
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('HSET', KEYS[1], unpack(ARGV, 4))
redis.call('EXPIRE', KEYS[1], ARGV[1])
redis.call('ZADD', KEYS[2], ARGV[2], ARGV[3])
redis.call('ZADD', KEYS[3], ARGV[2], ARGV[3])
if redis.call('HINCRBY', KEYS[4], redis.call('HGET', KEYS[1], 'fingerprint'), 1) == 1 then
  redis.call('SADD', KEYS[5], ARGV[3])
end
return 1
"""
SCHEDULE = """
local state = redis.call('HGET', KEYS[1], 'state')
if not state then return nil end
if state == 'stored' or state == 'redriven' then
  redis.call('HSET', KEYS[1], 'state', 'scheduled')
  redis.call('ZADD', KEYS[2], ARGV[1], ARGV[2])
end
return redis.call('HGET', KEYS[1], 'state')
"""


@dataclass(frozen=True)
class Letter:
    """A dead letter. `state`: stored, scheduled (to be sent again), redriven."""

    id: str
    message: Message
    error: str
    attempts: int
    fingerprint: str
    at: float
    state: str
    redrives: int = 0

    def shown(self, *, whole: bool = False) -> dict[str, Any]:
        """For review; what the message says only where `whole` is asked for."""
        row: dict[str, Any] = {
            "id": self.id,
            "topic": self.message.headers.get(TOPIC, ""),
            "error": self.error,
            "attempts": self.attempts,
            "at": self.at,
            "state": self.state,
            "redrives": self.redrives,
            "fingerprint": self.fingerprint,
        }
        if whole:
            row |= {"key": self.message.key.decode("utf-8", "replace"), "headers": dict(self.message.headers)}
            row["value"] = self.message.value.decode("utf-8", "backslashreplace")
        return row


Letters = list[Letter]


def fingerprint(topic: str, error: str) -> str:
    """The same for errors that differ only in ids and figures."""
    alike = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b[0-9a-f]{12,}\b|\d+", "#", f"{topic} {error.lower()}")
    return hashlib.sha256(alike.encode()).hexdigest()[:16]


class LetterStore:
    """Every dead letter of the last 14 days."""

    def __init__(self, redis: Redis, clock: Clock) -> None:
        self.redis: Any = redis
        self._clock = clock
        self._add = redis.register_script(ADD)
        self._schedule = redis.register_script(SCHEDULE)

    async def add(self, message: Received) -> bool:
        """Keep a dead letter; False where it is kept already. The first of its kind is put up for an alert."""
        topic, error = message.headers.get(TOPIC, message.topic), message.headers.get(ERROR, "unknown")
        now = self._clock.epoch()
        row: dict[str, Any] = {
            "topic": message.topic,
            "key": message.key,
            "value": message.value,
            "headers": json.dumps(dict(message.headers)),
            "error": error,
            "attempts": message.headers.get(ATTEMPTS, "0"),
            "fingerprint": fingerprint(topic, error),
            "at": now,
            "state": "stored",
            "redrives": 0,
        }
        flat = [part for pair in row.items() for part in pair]
        keys = [_key(message.id), "dlq:letters", "dlq:open", "dlq:kinds", "dlq:alerts"]
        return bool(await self._add(keys=keys, args=[KEEP_S, now, message.id, *flat]))

    async def get(self, letter_id: str) -> Letter | None:
        """One letter."""
        row = await self.redis.hgetall(_key(letter_id))
        if not row:
            return None
        message = Message(row[b"topic"].decode(), row[b"key"], row[b"value"], json.loads(row[b"headers"]))
        return Letter(
            id=letter_id,
            message=message,
            error=row[b"error"].decode(),
            attempts=int(row[b"attempts"]) if row[b"attempts"].isdigit() else 0,
            fingerprint=row[b"fingerprint"].decode(),
            at=float(row[b"at"]),
            state=row[b"state"].decode(),
            redrives=int(row[b"redrives"]),
        )

    async def list(self, most: int = 100) -> Letters:
        """The newest letters, the newest first."""
        await self._forget("dlq:letters")
        ids = await self.redis.zrevrange("dlq:letters", 0, most - 1)
        return [found for found in [await self.get(each.decode()) for each in ids] if found is not None]

    async def depth(self) -> int:
        """Letters that nobody has sent again."""
        await self._forget("dlq:open")
        return int(await self.redis.zcard("dlq:open"))

    async def redrive(self, letter_id: str, delay_s: float) -> str | None:
        """Send the letter again after `delay_s` seconds; its state then, None where there is no such letter.

        Raises ValueError where the letter does not say which topic it came from.
        """
        letter = await self.get(letter_id)
        if letter is None:
            return None
        redriven(letter.message)
        due = self._clock.epoch() + delay_s
        state = await self._schedule(keys=[_key(letter_id), "dlq:due"], args=[due, letter_id])
        return None if state is None else str(state.decode())

    async def due(self) -> Letters:
        """Letters whose time has come."""
        ids = await self.redis.zrangebyscore("dlq:due", "-inf", self._clock.epoch(), start=0, num=50)
        return await self._still_there(ids, "zrem", "dlq:due")

    async def sent(self, letter: Letter) -> None:
        """The letter is on its topic again."""
        pipe = self.redis.pipeline(transaction=True)
        pipe.zrem("dlq:due", letter.id)
        pipe.hset(_key(letter.id), "state", "redriven")
        pipe.hincrby(_key(letter.id), "redrives", 1)
        pipe.zrem("dlq:open", letter.id)
        await pipe.execute()

    async def to_report(self) -> Letters:
        """The first letters of each kind, which nobody was told of yet."""
        ids = await self.redis.smembers("dlq:alerts")
        return await self._still_there(ids, "srem", "dlq:alerts")

    async def reported(self, letter: Letter) -> None:
        """Somebody was told."""
        await self.redis.srem("dlq:alerts", letter.id)

    async def _still_there(self, ids: Iterable[bytes], remove: str, index: str) -> Letters:
        """The letters of `ids`; what has expired since is taken out of `index`."""
        found = []
        for each in ids:
            letter = await self.get(each.decode())
            if letter is None:
                await getattr(self.redis, remove)(index, each)
            else:
                found.append(letter)
        return found

    async def _forget(self, index: str) -> None:
        await self.redis.zremrangebyscore(index, "-inf", self._clock.epoch() - KEEP_S)


def _key(letter_id: str) -> str:
    return f"dlq:letter:{letter_id}"
