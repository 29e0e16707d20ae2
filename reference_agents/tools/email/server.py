"""A mail server that takes everything for everyone and delivers nothing to the world: what SMTP_SERVER names."""

from __future__ import annotations

import asyncio
import contextlib
import email
import email.policy
import os
from collections.abc import AsyncIterator, Mapping
from email.message import EmailMessage

from aiosmtpd.smtp import SMTP, Envelope, Session
from fastapi import FastAPI
from fastapi.responses import JSONResponse
from redis.asyncio import Redis
from redis.exceptions import RedisError

from reference_agents.common.settings import Settings
from reference_agents.tools.email.mailbox import Mail, Mailbox

BODY_LIMIT = 1 << 20


class Inbound:
    """aiosmtpd's handler: a message is accepted only once it is kept."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        content = envelope.content
        raw = content if isinstance(content, bytes) else (content or "").encode()
        try:
            await self._mailbox.deliver(read(raw, envelope.mail_from or "", list(envelope.rcpt_tos)))
        except RedisError:
            return "451 the message cannot be kept at present"
        return "250 kept"


def read(raw: bytes, sender: str, to: list[str]) -> Mail:
    """A message as it came over the wire. Who gets it is what the envelope says, not what the header says."""
    message = email.message_from_bytes(raw, EmailMessage, policy=email.policy.default)
    part = message.get_body(("plain",))
    id_ = str(message["Message-ID"] or "").strip("<> ")
    root = str(message["References"] or "").split()
    return Mail(
        message_id=id_,
        thread_id=root[0].strip("<>") if root else id_,
        sender=sender,
        to=to,
        subject=str(message["Subject"] or ""),
        body=part.get_content() if part else "",
    )


def create_app(settings: Settings, env: Mapping[str, str] = os.environ) -> FastAPI:
    """Probes over HTTP; beside them SMTP at SMTP_PORT (2525), open while the application runs."""
    redis = Redis.from_url(settings.redis_url, socket_timeout=3.0, socket_connect_timeout=1.0)
    handler, port = Inbound(Mailbox(redis)), int(env.get("SMTP_PORT", "2525"))

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: SMTP(handler, hostname="mail", data_size_limit=BODY_LIMIT, loop=loop), settings.host, port
        )
        yield
        server.close()
        await redis.aclose()

    app = FastAPI(title="mail", version="1.0.0", lifespan=lifespan)

    @app.get("/health", summary="Is the process alive?")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/ready", summary="Can it keep mail?")
    async def ready() -> JSONResponse:
        try:
            await redis.ping()
        except (RedisError, OSError) as error:
            return JSONResponse({"ready": False, "checks": {"redis": type(error).__name__}}, 503)
        return JSONResponse({"ready": True, "checks": {"redis": "ok"}})

    return app
