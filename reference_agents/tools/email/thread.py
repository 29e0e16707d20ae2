"""get_email_thread: what was written so far."""

from __future__ import annotations

import os
from typing import Any

from redis.asyncio import Redis

from reference_agents.common.settings import Settings
from reference_agents.tools.describe import define, record, rows, text
from reference_agents.tools.email.mailbox import MOST, Mailbox
from reference_agents.tools.service import Tool

TAKES = record({"thread_id": text("The thread's id, as send_email gave it.", least=1, most=100)})
GIVES = record(
    {
        "thread_id": text("The thread.", most=100),
        "messages": rows(
            "Its messages, oldest first; none where there is no such thread.",
            record(
                {
                    "message_id": text("Its id.", most=1000),
                    "sender": text("Who wrote it.", most=1000),
                    "to": rows("Who got it.", {"type": "string"}, most=100),
                    "subject": text("Its subject.", most=1000),
                    "body": text("What it says.", most=100_000),
                }
            ),
            most=MOST,
        ),
    }
)


def get_email_thread(url: str, base: str, mailbox: Mailbox | None = None) -> Tool:
    """The tool, to be called at `url`."""
    box = mailbox or Mailbox(Redis.from_url(Settings.of(os.environ).redis_url, socket_timeout=3.0))

    async def act(arguments: dict[str, Any], key: str) -> dict[str, Any]:
        found = [mail.model_dump(exclude={"thread_id"}) for mail in await box.thread(arguments["thread_id"])]
        return {"thread_id": arguments["thread_id"], "messages": found}

    return Tool(define("get_email_thread", "Read the messages of an email thread.", TAKES, GIVES, url, base), act)
