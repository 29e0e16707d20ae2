"""What the mail server has taken, in Redis: messages in the order of their threads, each once."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from redis.asyncio import Redis

KEEP_S = 7 * 24 * 3600
MOST = 200  # messages of a thread
_DELIVER = """
if not redis.call('SET', KEYS[1], 1, 'NX', 'EX', ARGV[2]) then return 0 end
redis.call('RPUSH', KEYS[2], ARGV[1])
redis.call('LTRIM', KEYS[2], -tonumber(ARGV[3]), -1)
redis.call('EXPIRE', KEYS[2], ARGV[2])
return 1
"""


class Mail(BaseModel):
    """A message. Its thread is called by the id of the message that began it."""

    message_id: str
    thread_id: str
    sender: str
    to: list[str]
    subject: str
    body: str


@dataclass
class Mailbox:
    """Every thread that the server knows."""

    redis: Redis

    async def deliver(self, mail: Mail) -> bool:
        """Keep a message; False when it was here already (a sender that had no answer sends again)."""
        keys = [f"mail:message:{mail.message_id}", f"mail:thread:{mail.thread_id}"]
        kept = await self.redis.register_script(_DELIVER)(keys=keys, args=[mail.model_dump_json(), KEEP_S, MOST])
        return bool(kept)

    async def thread(self, thread_id: str) -> list[Mail]:
        """The thread's messages, oldest first; empty when there is none."""
        rows: Any = await self.redis.lrange(f"mail:thread:{thread_id}", 0, -1)
        return [Mail(**json.loads(row)) for row in rows]
