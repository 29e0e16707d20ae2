"""A transactional outbox in Redis: what is to be sent is written in one step with the fact that it was decided.

    decide ──one script──▶ fact + stream ──relay──▶ broker ──acknowledged──▶ off the stream

A process that dies leaves the fact and the message, or neither. The relay sends at least once: a message is taken
off only after the broker has it, so receivers know messages by their task's id.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import dataclass
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from reference_agents.queue.messages import Message
from reference_agents.queue.producer import BrokerAway, Sender

KEEP_S = 24 * 3600
BLOCK_MS, BATCH = 500, 64
LEFT_BEHIND_MS = 15_000  # a message that another relay has taken and not sent for so long is taken over
TROUBLE_S = 0.5

ADD_ONCE = """
if not redis.call('SET', KEYS[1], ARGV[1], 'NX', 'EX', ARGV[2]) then return 0 end
redis.call('XADD', KEYS[2], '*', 'topic', ARGV[3], 'key', ARGV[4], 'value', ARGV[5], 'headers', ARGV[6])
return 1
"""


class Outbox:
    """What one service is to send."""

    def __init__(self, redis: Redis, service: str) -> None:
        self.redis: Any = redis
        self.stream = f"outbox:{service}"
        self._decided = f"outbox:{service}:decided:"
        self._add_once = redis.register_script(ADD_ONCE)

    async def add_once(self, fact: str, message: Message, value: str = "1") -> bool:
        """Keep `value` under the name `fact` and put `message` on its way, both or neither; False where the fact
        stands already, and nothing is sent then."""
        row = (message.topic, message.key, message.value, json.dumps(dict(message.headers)))
        return bool(await self._add_once(keys=[self._decided + fact, self.stream], args=[value, KEEP_S, *row]))

    async def depth(self) -> int:
        """Messages that are not sent yet."""
        return int(await self.redis.xlen(self.stream))


@dataclass
class Relay:
    """Sends what is in an outbox, until cancelled. Several relays share the work; order is kept only by one."""

    outbox: Outbox
    sender: Sender
    pod: str
    log: structlog.typing.FilteringBoundLogger

    async def run(self) -> None:
        """Send for ever; a broker or a Redis that is away is waited for."""
        while True:
            try:
                await self._group()
                while True:
                    await self._round()
            except BrokerAway as error:
                self.log.warning("the outbox waits for the broker", error=str(error))
            except RedisError as error:
                self.log.warning("the outbox cannot be read", error=type(error).__name__)
            await asyncio.sleep(TROUBLE_S)

    async def _group(self) -> None:
        with contextlib.suppress(ResponseError):  # it is there
            await self.outbox.redis.xgroup_create(self.outbox.stream, "relay", id="0", mkstream=True)

    async def _round(self) -> None:
        """What this relay had taken before, then what others left behind, then what is new."""
        redis, stream = self.outbox.redis, self.outbox.stream
        rows = await redis.xreadgroup("relay", self.pod, {stream: "0"}, count=BATCH)
        taken = rows[0][1] if rows else []
        if not taken:
            taken = (await redis.xautoclaim(stream, "relay", self.pod, LEFT_BEHIND_MS, count=BATCH))[1]
        if not taken:
            rows = await redis.xreadgroup("relay", self.pod, {stream: ">"}, count=BATCH, block=BLOCK_MS)
            taken = rows[0][1] if rows else []
        for number, row in taken:
            if row:
                await self.sender.send(
                    Message(row[b"topic"].decode(), row[b"key"], row[b"value"], json.loads(row[b"headers"]))
                )
            pipe = redis.pipeline(transaction=True)
            pipe.xack(stream, "relay", number)
            pipe.xdel(stream, number)
            await pipe.execute()
