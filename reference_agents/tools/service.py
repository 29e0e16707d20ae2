"""A tool as a service: its call, its definition, its ledger."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx
import jsonschema_rs
import structlog
from fastapi import FastAPI, Query, Request
from fastapi.responses import JSONResponse
from redis.asyncio import Redis
from redis.exceptions import RedisError

from reference_agents.api.middleware import RequestContext
from reference_agents.common import log, problem
from reference_agents.common.clock import RealClock
from reference_agents.common.ending import end
from reference_agents.common.problem import Refused, declared
from reference_agents.common.settings import Settings
from reference_agents.flaws import with_flaw
from reference_agents.registry.catalogue import compile_, complaint
from reference_agents.registry.model import ToolDefinition
from reference_agents.security.install import credentials, guard
from reference_agents.tools.ledger import Ledger

Act = Callable[[dict[str, Any]], Awaitable[Any]]
REGISTER_S = 1.0
REFRESH_S = 10.0


@dataclass(frozen=True)
class Tool:
    """A definition and what carries it out."""

    definition: ToolDefinition
    act: Act


@dataclass
class ToolParts:
    """A tool service put together."""

    ledger: Ledger
    validator: jsonschema_rs.Validator


def create_app(tool: Tool, settings: Settings) -> FastAPI:
    """The ASGI application of `tool`. It registers itself, and again from time to time, until it ends."""
    definition = tool.definition
    redis = Redis.from_url(settings.redis_url, socket_timeout=3.0, socket_connect_timeout=1.0)
    ledger = Ledger(redis, definition.name, definition.version, RealClock())
    parts = with_flaw(ToolParts(ledger, compile_(definition).arguments), settings.flaw, "apply_tool")
    logger = log.configure(f"tool-{definition.name}", settings.pod)
    registered = asyncio.Event()

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        task = asyncio.create_task(_register(definition, settings, registered, logger))
        yield
        await end(task)
        await redis.aclose()

    app = FastAPI(title=f"tool-{definition.name}", version=definition.version, lifespan=lifespan)
    problem.install(app)
    guard(app, _service(definition), RealClock(), settings.flaw)
    app.add_middleware(RequestContext)

    @app.exception_handler(RedisError)
    async def no_store(request: Request, error: Exception) -> JSONResponse:
        return problem.response(503, "the ledger cannot be reached")

    schema = {name: part for name, part in definition.parameters.items() if name != "$schema"}
    described_body = {"requestBody": {"content": {"application/json": {"schema": schema}}}}

    @app.post("/call", responses=declared(409, 422, 503), summary=definition.description, openapi_extra=described_body)
    async def call(arguments: dict[str, Any], request: Request) -> Any:
        wrong = complaint(parts.validator, arguments)
        if wrong:
            raise Refused(422, wrong)
        try:
            return await parts.ledger.once(request.headers, arguments, lambda: tool.act(arguments))
        except TimeoutError:
            raise Refused(409, "another call holds this key") from None

    @app.get("/ledger", responses=declared(422, 503), summary="What was really done")
    async def entries(since: int = Query(0, ge=0)) -> dict[str, list[dict[str, Any]]]:
        return {"entries": await parts.ledger.entries(since)}

    @app.get("/definition", summary="The tool's definition")
    async def described() -> ToolDefinition:
        return definition

    @app.get("/health", summary="Is the process alive?")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/ready", responses={503: {"description": "Not registered yet"}}, summary="Can it work?")
    async def ready() -> JSONResponse:
        good = registered.is_set()
        return JSONResponse(
            {"ready": good, "checks": {"registry": "ok" if good else "not registered"}}, 200 if good else 503
        )

    return app


def _service(definition: ToolDefinition) -> str:
    """What the tool is called as a service."""
    return f"tool-{definition.name.replace('_', '-')}"


async def _register(
    definition: ToolDefinition, settings: Settings, done: asyncio.Event, logger: structlog.typing.FilteringBoundLogger
) -> None:
    headers = {"X-Registration-Token": settings.registration_token} if settings.registration_token else {}
    url = f"{settings.registry_url}/tools"
    async with httpx.AsyncClient(timeout=3.0, auth=credentials(_service(definition), RealClock())) as http:
        while True:
            try:
                answer = await http.post(
                    url, json=definition.model_dump(), headers=headers, extensions={"audience": "tool-registry"}
                )
                good = answer.status_code == 201
            except httpx.HTTPError:
                good = False
            if good and not done.is_set():
                logger.info("registered", tool=definition.name, version=definition.version)
                done.set()
            await asyncio.sleep(REFRESH_S if good else REGISTER_S / 4)
