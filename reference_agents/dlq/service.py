"""Puts the dead letter handler together, and its HTTP interface for review."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import httpx
from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from pydantic import BaseModel, ConfigDict, Field
from redis.asyncio import Redis
from redis.exceptions import RedisError

from reference_agents.api.middleware import RequestContext
from reference_agents.common import log, problem, spans
from reference_agents.common.clock import RealClock
from reference_agents.common.metrics import CONTENT_TYPE
from reference_agents.common.problem import Refused, declared
from reference_agents.common.settings import Settings
from reference_agents.dlq.handler import Keeper, Redriver, Reporter
from reference_agents.dlq.store import LetterStore
from reference_agents.queue.consumer import Consumer
from reference_agents.queue.events import dead_letter_topic
from reference_agents.queue.producer import KafkaSender
from reference_agents.queue.service import Background, QueueSettings
from reference_agents.security.install import guard


class Redrive(BaseModel):
    """When to send a dead letter again."""

    model_config = ConfigDict(extra="forbid")

    delay_s: Annotated[float, Field(ge=0, le=7 * 24 * 3600)] = 0.0


@dataclass
class DlqParts:
    """The dead letter handler put together."""

    letters: LetterStore
    redis: Redis
    http: httpx.AsyncClient
    background: Background


def assemble(settings: Settings, env: Mapping[str, str] = os.environ) -> DlqParts:
    """Every part. DLQ_AGENTS names the agents, DLQ_WEBHOOK who is told. Raises ValueError."""
    own = QueueSettings.of(env)
    topics = [dead_letter_topic(name) for name in env.get("DLQ_AGENTS", "search").split(",")]
    logger = log.configure("dlq", settings.pod)
    spans.configure("dlq", settings.pod)
    http = httpx.AsyncClient()
    redis = Redis.from_url(settings.redis_url, socket_timeout=3.0, socket_connect_timeout=1.0, max_connections=32)
    letters, sender = LetterStore(redis, RealClock()), KafkaSender(own.brokers)
    consumer = Consumer(
        own.brokers, "dlq", topics, Keeper(letters), redis, sender, lambda topic: f"{topic}.unkept", logger,
        session_s=own.session_s,
    )  # fmt: skip
    reporter = Reporter(letters, http, env.get("DLQ_WEBHOOK", ""), logger)
    work = [consumer.run(), reporter.run(), Redriver(letters, sender, logger).run()]
    return DlqParts(letters, redis, http, Background(sender, logger, work))


def create_app(settings: Settings, env: Mapping[str, str] = os.environ) -> FastAPI:
    """The ASGI application of the dead letter handler. Raises ValueError."""
    parts = assemble(settings, env)
    registry = CollectorRegistry()
    depth = Gauge("dlq_depth", "Dead letters that nobody has sent again", registry=registry)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        parts.background.start()
        yield
        await parts.background.stop()
        await parts.http.aclose()
        await parts.redis.aclose()

    app = FastAPI(title="dlq", version="1.0.0", lifespan=lifespan)
    problem.install(app)
    app.add_middleware(RequestContext)
    guard(app, "dlq", RealClock(), settings.flaw, env)

    @app.exception_handler(RedisError)
    async def away(request: Any, error: RedisError) -> Response:
        return problem.response(503, "dead letters cannot be read at present")

    @app.get("/letters", responses=declared(503), summary="The newest dead letters")
    async def letters() -> dict[str, list[dict[str, Any]]]:
        return {"letters": [letter.shown() for letter in await parts.letters.list()]}

    @app.get("/letters/{letter_id}", responses=declared(404, 503), summary="One dead letter, whole")
    async def letter(letter_id: str) -> dict[str, Any]:
        found = await parts.letters.get(letter_id)
        if found is None:
            raise Refused(404, "there is no such dead letter")
        return found.shown(whole=True)

    @app.post("/letters/{letter_id}/redrive", status_code=202, responses=declared(404, 409, 422, 503))
    async def redrive(letter_id: str, how: Redrive) -> dict[str, str]:
        try:
            state = await parts.letters.redrive(letter_id, how.delay_s)
        except ValueError as error:
            raise Refused(409, str(error)) from None
        if state is None:
            raise Refused(404, "there is no such dead letter")
        return {"id": letter_id, "state": state}

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/ready")
    async def ready() -> Response:
        try:
            await parts.redis.ping()
        except (RedisError, OSError) as error:
            return JSONResponse({"ready": False, "checks": {"redis": type(error).__name__}}, 503)
        return JSONResponse({"ready": True, "checks": {"redis": "ok"}})

    @app.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        depth.set(await parts.letters.depth())
        return Response(generate_latest(registry), media_type=CONTENT_TYPE)

    return app
