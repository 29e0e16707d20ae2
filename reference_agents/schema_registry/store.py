"""Schemas and their versions in Redis. A subject's versions are a list: version n is its n-th id."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from reference_agents.schema_registry.compat import Kind, Level

DEFAULT = ""
"""The subject name under which the default level is kept."""

REGISTER = """
if redis.call('LLEN', KEYS[1]) ~= tonumber(ARGV[1]) then return nil end
local id = redis.call('HGET', KEYS[2], ARGV[2])
if not id then
  id = redis.call('INCR', KEYS[3])
  redis.call('HSET', KEYS[2], ARGV[2], id)
  redis.call('HSET', KEYS[4], id, ARGV[3] .. ' ' .. ARGV[4])
end
redis.call('RPUSH', KEYS[1], id)
redis.call('SADD', KEYS[5], ARGV[5])
return tonumber(id)
"""


@dataclass(frozen=True)
class Schema:
    """A schema that is kept, in its canonical text."""

    id: int
    kind: Kind
    text: str


class SchemaStore:
    """Every subject of one registry."""

    def __init__(self, redis: Redis) -> None:
        self._redis: Any = redis
        self._register = redis.register_script(REGISTER)

    async def subjects(self) -> list[str]:
        """The names of all subjects, sorted."""
        return sorted(name.decode() for name in await self._redis.smembers("schemas:subjects"))

    async def versions(self, subject: str) -> list[Schema]:
        """The subject's schemas, the oldest first; none where there is no such subject."""
        ids = [int(row) for row in await self._redis.lrange(f"schemas:subject:{subject}", 0, -1)]
        return [found for found in [await self.by_id(each) for each in ids] if found is not None]

    async def by_id(self, number: int) -> Schema | None:
        """The schema of an id."""
        row = await self._redis.hget("schemas:ids", number)
        if row is None:
            return None
        kind, _, text = row.decode().partition(" ")
        return Schema(number, Kind(kind), text)

    async def add(self, subject: str, kind: Kind, text: str, after: int) -> int | None:
        """Append a version and give its schema's id; None where the subject has not `after` versions any more."""
        print_ = hashlib.sha256(f"{kind} {text}".encode()).hexdigest()
        found = await self._register(
            keys=[f"schemas:subject:{subject}", "schemas:prints", "schemas:next", "schemas:ids", "schemas:subjects"],
            args=[after, print_, str(kind), text, subject],
        )
        return None if found is None else int(found)

    async def level(self, subject: str) -> Level | None:
        """What the subject itself promises; None where it leaves that to the default."""
        found = await self._redis.hget("schemas:levels", subject)
        return Level(found.decode()) if found is not None else None

    async def set_level(self, subject: str, level: Level) -> None:
        """Keep what the subject promises from now on."""
        await self._redis.hset("schemas:levels", subject, str(level))
