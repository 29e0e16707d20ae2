"""send_email: the tool whose effect nobody wants twice."""

from __future__ import annotations

import asyncio
import hashlib
import os
import smtplib
from collections.abc import Callable, Mapping
from email.message import EmailMessage
from typing import Any

from reference_agents.common.problem import Refused
from reference_agents.tools.describe import define, record, rows, text
from reference_agents.tools.service import Tool

SENDER = "assistant@agents.example"
ADDRESS = r"^[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63}){1,4}$"
THREAD = r"^[a-z0-9]{1,64}@agents\.example$"
TIMEOUT_S = 3.0
TAKES = record(
    {
        "to": {
            **rows("Who gets it.", text("An address.", most=200, pattern=ADDRESS), most=20),
            "minItems": 1,
            "examples": [["ada@customers.example"]],
        },
        "subject": text("One line.", least=1, most=200, pattern=r"^[^\x00-\x1f\x7f]+$"),
        "body": text("The message, as plain text.", least=1, most=20_000, pattern=r"^[^\x00]+$"),
        "thread_id": text("The thread that it answers; a new one without it.", most=100, pattern=THREAD),
    },
    "thread_id",
)
GIVES = record(
    {
        "message_id": text("The id of the message.", most=100),
        "thread_id": text("The thread that it is in, for get_email_thread.", most=100),
        "accepted": rows("Who the server took it for.", text("An address.", most=200), most=20),
    }
)
Deliver = Callable[[EmailMessage], None]
"""Hands a message to the server. Raises OSError (smtplib's errors are such)."""


def over_smtp(env: Mapping[str, str] = os.environ) -> Deliver:
    """Delivery to the server that SMTP_SERVER names, as host:port. Raises ValueError."""
    host, _, text = env.get("SMTP_SERVER", "127.0.0.1:2525").rpartition(":")
    port = int(text)

    def deliver(message: EmailMessage) -> None:
        with smtplib.SMTP(host, port, local_hostname="tools", timeout=TIMEOUT_S) as server:
            server.send_message(message)

    return deliver


def composed(arguments: dict[str, Any], key: str) -> EmailMessage:
    """The message. Its id comes from the idempotency key: sent again after a lost answer, it is the same message,
    which a mail server delivers once. Without a key it comes from what it says."""
    seed = key or repr(sorted(arguments.items()))
    id_ = f"{hashlib.sha256(seed.encode()).hexdigest()[:32]}@agents.example"
    message = EmailMessage()
    message["From"], message["To"] = SENDER, ", ".join(arguments["to"])
    message["Subject"], message["Message-ID"] = arguments["subject"], f"<{id_}>"
    if "thread_id" in arguments:
        message["References"] = f"<{arguments['thread_id']}>"
    message.set_content(arguments["body"])
    return message


def send_email(url: str, base: str, deliver: Deliver | None = None) -> Tool:
    """The tool, to be called at `url`; it hands messages to `deliver`."""
    deliver = deliver or over_smtp()

    async def act(arguments: dict[str, Any], key: str) -> dict[str, Any]:
        try:
            message = composed(arguments, key)
            await asyncio.to_thread(deliver, message)
        except smtplib.SMTPRecipientsRefused:
            raise Refused(422, "the server takes no mail for these addresses") from None
        except UnicodeError:
            raise Refused(422, "the text is not Unicode") from None
        except OSError as error:
            raise Refused(503, f"the mail server did not take it: {type(error).__name__}") from None
        id_ = message["Message-ID"].strip("<>")
        return {"message_id": id_, "thread_id": arguments.get("thread_id", id_), "accepted": arguments["to"]}

    description = "Send an email, or answer in a thread. It is sent once, however often the call is repeated."
    return Tool(define("send_email", description, TAKES, GIVES, url, base, read_only=False, rate_limit=120), act)
