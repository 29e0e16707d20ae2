"""Tools as a service: their calls, their definitions, their ledgers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import jsonschema_rs
import structlog
from fastapi import APIRouter, FastAPI, Query, Request
from fastapi.responses import JSONResponse
from redis.asyncio import Redis
from redis.exceptions import RedisError

from reference_agents.api.middleware import RequestContext
from reference_agents.common import log, problem, spans
from reference_agents.common.clock import RealClock
from reference_agents.common.ending import end
from reference_agents.common.problem import Refused, declared
from reference_agents.common.settings import Settings
from reference_agents.flaws import with_flaw
from reference_agents.registry.catalogue import compile_, complaint
from reference_agents.registry.model import ToolDefinition
from reference_agents.security.install import credentials, guard
from reference_agents.tools.ledger import Ledger

Act = Callable[[dict[str, Any], str], Awaitable[Any]]
"""Carries a call out: its arguments and its idempotency key, which is empty where the caller sent none.
Raises Refused: 422 for what it cannot do, 503 where what it needs is away; then nothing is in the ledger."""
REGISTER_S = 1.0
REFRESH_S = 10.0


@dataclass(frozen=True)
class Tool:
    """A definition and what carries it out; `routes`, where it answers more than calls."""

    definition: ToolDefinition
    act: Act
    routes: APIRouter = field(default_factory=APIRouter)


@dataclass
class ToolParts:
    """A tool service put together."""

    ledger: Ledger
    validator: jsonschema_rs.Validator


def create_app(tools: Sequence[Tool], settings: Settings) -> FastAPI:
    """The ASGI application of `tools`: one is served at the root, several each at /tools/<name>.

    Each registers itself, and again from time to time, until the process ends.
    """
    title = f"tool-{tools[0].definition.name}" if len(tools) == 1 else "tools"
    service = title.replace("_", "-")
    redis = Redis.from_url(settings.redis_url, socket_timeout=3.0, socket_connect_timeout=1.0)
    logger = log.configure(title, settings.pod)
    spans.configure(service, settings.pod)
    registered = {tool.definition.name: asyncio.Event() for tool in tools}
    ledgers = []

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        tasks = [
            asyncio.create_task(_register(service, tool.definition, settings, registered[tool.definition.name], logger))
            for tool in tools
        ]
        yield
        await end(*tasks)
        await redis.aclose()

    app = FastAPI(title=title, version=tools[0].definition.version if len(tools) == 1 else "1.0.0", lifespan=lifespan)
    problem.install(app)
    guard(app, service, RealClock(), settings.flaw)
    app.add_middleware(RequestContext)

    @app.exception_handler(RedisError)
    async def no_store(request: Request, error: Exception) -> JSONResponse:
        return problem.response(503, "the ledger cannot be reached")

    for tool in tools:
        definition = tool.definition
        ledger = Ledger(redis, definition.name, definition.version, RealClock())
        parts = with_flaw(ToolParts(ledger, compile_(definition).arguments), settings.flaw, "apply_tool")
        ledgers.append(parts.ledger)
        for routes in (_router(tool, parts), tool.routes):
            app.include_router(routes, prefix="" if len(tools) == 1 else f"/tools/{definition.name}")

    @app.get("/ledger", responses=declared(422, 503), summary="What was really done")
    async def entries(since: int = Query(0, ge=0)) -> dict[str, list[dict[str, Any]]]:
        return {"entries": [row for ledger in ledgers for row in await ledger.entries(since)]}

    @app.get("/health", summary="Is the process alive?")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/ready", responses={503: {"description": "Not registered yet"}}, summary="Can it work?")
    async def ready() -> JSONResponse:
        missing = [name for name, done in registered.items() if not done.is_set()]
        checks = {"registry": f"not registered: {', '.join(missing)}" if missing else "ok"}
        return JSONResponse({"ready": not missing, "checks": checks}, 503 if missing else 200)

    return app


def _router(tool: Tool, parts: ToolParts) -> APIRouter:
    """What one tool answers."""
    routes = APIRouter()
    definition = tool.definition
    schema = {name: part for name, part in definition.parameters.items() if name != "$schema"}
    described_body = {"requestBody": {"content": {"application/json": {"schema": schema}}}}

    @routes.post(
        "/call", responses=declared(409, 422, 503), summary=definition.description, openapi_extra=described_body
    )
    async def call(arguments: dict[str, Any], request: Request) -> Any:
        wrong = complaint(parts.validator, arguments)
        if wrong:
            raise Refused(422, wrong)
        key = request.headers.get("idempotency-key", "")
        try:
            return await parts.ledger.once(request.headers, arguments, lambda: tool.act(arguments, key))
        except TimeoutError:
            raise Refused(409, "another call holds this key") from None

    @routes.get("/definition", summary="The tool's definition")
    async def described() -> ToolDefinition:
        return definition

    return routes


async def _register(
    service: str,
    definition: ToolDefinition,
    settings: Settings,
    done: asyncio.Event,
    logger: structlog.typing.FilteringBoundLogger,
) -> None:
    headers = {"X-Registration-Token": settings.registration_token} if settings.registration_token else {}
    url = f"{settings.registry_url}/tools"
    said = ""
    async with httpx.AsyncClient(timeout=3.0, auth=credentials(service, RealClock())) as http:
        while True:
            try:
                answer = await http.post(
                    url, json=definition.model_dump(), headers=headers, extensions={"audience": "tool-registry"}
                )
                good, why = answer.status_code == 201, f"HTTP {answer.status_code}: {answer.text[:200]}"
            except Exception as error:  # whatever it is, the next try may do, and a dead loop would never say why
                good, why = False, f"{type(error).__name__}: {error}"
            if good and not done.is_set():
                logger.info("registered", tool=definition.name, version=definition.version)
                done.set()
            if not good and why != said:
                logger.warning("not registered", tool=definition.name, why=why)
                said = why
            await asyncio.sleep(REFRESH_S if good else REGISTER_S / 4)
