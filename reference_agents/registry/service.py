"""The tool registry as a service."""

from __future__ import annotations

import contextlib
import hmac
import json
import os
from collections.abc import AsyncIterator, Mapping
from typing import Annotated, Any

import httpx
from fastapi import FastAPI, Header, Path, Request, Response
from fastapi.responses import JSONResponse
from redis.asyncio import Redis
from redis.exceptions import RedisError

from reference_agents.agents.profile import access
from reference_agents.api.middleware import RequestContext
from reference_agents.api.readiness import Readiness
from reference_agents.common import log, problem, spans
from reference_agents.common.clock import RealClock
from reference_agents.common.metrics import CONTENT_TYPE, RegistryMetrics
from reference_agents.common.problem import Refused, declared
from reference_agents.common.settings import Settings
from reference_agents.flaws import with_flaw
from reference_agents.registry.catalogue import Catalogue
from reference_agents.registry.gateway import Gateway
from reference_agents.registry.model import Invocation, InvocationResult, ToolDefinition, ToolList
from reference_agents.security.install import credentials, guard

Name = Annotated[str, Path(pattern=r"^[a-z][a-z0-9_]{1,63}$")]
Agent = Annotated[str | None, Header(alias="X-Agent-Id", max_length=128, description="Who asks; access goes by it.")]

Token = Annotated[
    str | None, Header(alias="X-Registration-Token", max_length=256, description="Proves that a tool is one of ours.")
]


def acl_of(env: Mapping[str, str]) -> dict[str, frozenset[str]]:
    """What the agents' profiles say, with TOOL_ACL's entries, a JSON object of agent to tool names, in place of theirs.

    `*` stands for every tool. Raises ValueError.
    """
    rows: Any = json.loads(env.get("TOOL_ACL", "{}"))
    return access() | {str(agent): frozenset(map(str, tools)) for agent, tools in rows.items()}


def create_app(settings: Settings) -> FastAPI:
    """The ASGI application of the registry."""
    redis = Redis.from_url(settings.redis_url, socket_timeout=3.0, socket_connect_timeout=1.0)
    clock = RealClock()
    http = httpx.AsyncClient(limits=httpx.Limits(max_connections=200), auth=credentials("tool-registry", clock))
    logger = log.configure("tool-registry", settings.pod)
    spans.configure("tool-registry", settings.pod)
    gateway = Gateway(Catalogue(redis), acl_of(os.environ), http, clock, logger, RegistryMetrics())
    gateway = with_flaw(gateway, settings.flaw, "apply_registry")

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        await http.aclose()
        await redis.aclose()

    app = FastAPI(title="tool-registry", version="1.0.0", lifespan=lifespan)
    problem.install(app)
    guard(app, "tool-registry", clock, settings.flaw)
    app.add_middleware(RequestContext)

    @app.exception_handler(RedisError)
    async def no_store(request: Request, error: Exception) -> JSONResponse:
        return problem.response(503, "the registry's store cannot be reached")

    @app.get("/tools", responses=declared(422, 503), summary="The tools there are, or those an agent may call")
    async def tools(agent: Agent = None) -> ToolList:
        rows = await gateway.catalogue.all()
        return ToolList(tools=[row for row in rows if agent is None or gateway.may(agent, row.name)])

    @app.post("/tools", status_code=201, responses=declared(401, 422, 503), summary="Register a tool")
    async def register(definition: ToolDefinition, token: Token = None) -> ToolDefinition:
        if not hmac.compare_digest((token or "").encode(), settings.registration_token.encode()):
            raise Refused(401, "only a tool that has the registration token registers itself")
        try:
            await gateway.catalogue.put(definition)
        except ValueError as error:
            raise Refused(422, str(error)) from None
        return definition

    @app.get("/tools/{name}", responses=declared(404, 422, 503), summary="One tool")
    async def tool(name: Name) -> ToolDefinition:
        found = await gateway.catalogue.get(name)
        if found is None:
            raise Refused(404, f"there is no tool {name!r}")
        return found.definition

    @app.post("/tools/{name}/invoke", responses=declared(403, 404, 422, 502, 503, 504), summary="Call a tool")
    async def invoke(name: Name, invocation: Invocation, request: Request, agent: Agent = None) -> InvocationResult:
        return await gateway.invoke(name, invocation.arguments, request.headers)

    @app.get("/health", summary="Is the process alive?")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/ready", responses={503: {"model": Readiness, "description": "Not ready"}}, summary="Can it work?")
    async def ready() -> Response:
        try:
            await redis.ping()
        except (RedisError, OSError) as error:
            return JSONResponse({"ready": False, "checks": {"redis": type(error).__name__}}, 503)
        return JSONResponse({"ready": True, "checks": {"redis": "ok"}})

    @app.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        return Response(gateway.metrics.exposition(), media_type=CONTENT_TYPE)

    return app
