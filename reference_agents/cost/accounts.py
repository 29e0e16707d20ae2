"""The accounts, in Redis: what was spent by whom, and what is reserved at present.

    reserve ──▶ held ──settle──▶ spent: of the session, of the user's day, of the agent's day
                  │  release, or its time is over: its worker is gone
                  └──▶ nothing

Spent and held together never pass a session's cap, however many workers ask at once: each step is one Lua script.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from redis.asyncio import Redis

from reference_agents.common.clock import Clock

SESSION_KEEP_S = 24 * 3600  # since its last call, as long as its memory
DAY_KEEP_S = 35 * 24 * 3600  # a month and the look back at it
SETTLED_KEEP_S = 600  # longer than any client goes on sending a command that has lost its answer

RESERVE = """
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', ARGV[1])
local spent = tonumber(redis.call('HGET', KEYS[1], 'tokens') or '0')
local held = 0
for _, row in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do held = held + tonumber(string.match(row, '^%d+')) end
if redis.call('ZSCORE', KEYS[2], ARGV[3]) then return {1, spent, held} end
if spent + held + tonumber(ARGV[4]) > tonumber(ARGV[5]) then return {0, spent, held} end
redis.call('ZADD', KEYS[2], ARGV[2], ARGV[3])
redis.call('EXPIRE', KEYS[2], ARGV[6])
return {1, spent, held}
"""
SETTLE = """
if not redis.call('SET', KEYS[1], '1', 'NX', 'EX', ARGV[1]) then return 0 end
redis.call('ZREM', KEYS[2], ARGV[2])
for index = 3, #KEYS do
  redis.call('HINCRBY', KEYS[index], 'tokens', ARGV[4] + ARGV[5])
  redis.call('HINCRBY', KEYS[index], 'prompt:' .. ARGV[3], ARGV[4])
  redis.call('HINCRBY', KEYS[index], 'completion:' .. ARGV[3], ARGV[5])
  redis.call('HINCRBY', KEYS[index], 'nanos:' .. ARGV[3], ARGV[6])
  redis.call('EXPIRE', KEYS[index], ARGV[4 + index])
end
return 1
"""


@dataclass(frozen=True)
class Payer:
    """On whose account a call goes. No user: nobody said whose it is."""

    agent: str
    session_id: str
    user_id: str = ""


@dataclass(frozen=True)
class Hold:
    """Room that is reserved for one call."""

    id: str
    tokens: int
    payer: Payer

    @property
    def row(self) -> str:
        return f"{self.tokens}:{self.id}"


@dataclass(frozen=True)
class Spent:
    """Tokens by kind and what they cost, in billionths of a dollar."""

    prompt: int = 0
    completion: int = 0
    nanos: int = 0


@dataclass(frozen=True)
class Account:
    """How an account stands."""

    models: Mapping[str, Spent] = field(default_factory=dict)
    held: int = 0


class NoRoom(Exception):
    """The session's cap would be passed."""

    def __init__(self, spent: int, held: int) -> None:
        super().__init__(f"{spent} spent, {held} held")
        self.spent, self.held = spent, held


class Accounts:
    """The accounts of every service that shares this Redis."""

    def __init__(self, redis: Redis, clock: Clock) -> None:
        self.redis, self.clock = redis, clock
        self.reserve_script = redis.register_script(RESERVE)
        self.settle_script = redis.register_script(SETTLE)

    async def reserve(self, hold: Hold, *, cap: int, for_s: float) -> None:
        """Keep room for a call, for `for_s` seconds at most; a second time for the same hold is no other.

        Raises NoRoom.
        """
        now, session = self.clock.epoch(), _session(hold.payer.session_id)
        granted, spent, held = await self.reserve_script(
            keys=[session, _held(session)], args=[now, now + for_s, hold.row, hold.tokens, cap, SESSION_KEEP_S]
        )
        if not granted:
            raise NoRoom(int(spent), int(held))

    async def release(self, hold: Hold) -> None:
        """Give the room back: the call cost nothing that anybody told us of."""
        await self.redis.zrem(_held(_session(hold.payer.session_id)), hold.row)

    async def settle(self, hold: Hold, model: str, spent: Spent) -> None:
        """Enter what the call cost in place of its hold; a second time changes nothing.

        What a call cost is entered also when its hold is over, or was too small.
        """
        payer, day = hold.payer, self.today()
        session = _session(payer.session_id)
        accounts = {session: SESSION_KEEP_S, _agent(payer.agent, day): DAY_KEEP_S}
        if payer.user_id:
            accounts[_user(payer.user_id, day)] = DAY_KEEP_S
        await self.settle_script(
            keys=[f"cost:settled:{hold.id}", _held(session), *accounts],
            args=[
                SETTLED_KEEP_S, hold.row, model, spent.prompt, spent.completion, spent.nanos, *accounts.values(),
            ],
        )  # fmt: skip

    def today(self) -> str:
        """The day that is written at present, in UTC."""
        return datetime.fromtimestamp(self.clock.epoch(), UTC).date().isoformat()

    async def of_session(self, session_id: str) -> Account:
        """A session's account: since its first call, until a day after its last."""
        key = _session(session_id)
        rows: Any = await self.redis.zrange(_held(key), 0, -1, withscores=True)
        now = self.clock.epoch()
        held = sum(int(row.partition(b":")[0]) for row, until in rows if until > now)
        return Account(await self._models(key), held)

    async def of_user(self, user_id: str, day: str) -> Account:
        """A user's day."""
        return Account(await self._models(_user(user_id, day)))

    async def of_agent(self, agent: str, day: str) -> Account:
        """An agent's day, all its replicas together."""
        return Account(await self._models(_agent(agent, day)))

    async def _models(self, key: str) -> dict[str, Spent]:
        rows: Any = await self.redis.hgetall(key)
        figures: dict[str, dict[str, int]] = {}
        for name, value in rows.items():
            kind, _, model = name.decode().partition(":")
            if model:
                figures.setdefault(model, {})[kind] = int(value)
        return {model: Spent(**figures[model]) for model in sorted(figures)}


def _session(session_id: str) -> str:
    return f"cost:session:{session_id}"


def _held(session: str) -> str:
    return f"{session}:held"


def _agent(agent: str, day: str) -> str:
    return f"cost:agent:{agent}:{day}"


def _user(user_id: str, day: str) -> str:
    """A user's key does not say who the user is: it may be an address."""
    return f"cost:user:{hashlib.sha256(user_id.encode()).hexdigest()[:32]}:{day}"
