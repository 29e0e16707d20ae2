"""Puts an agent service together: the one place where parts meet."""

from __future__ import annotations

import contextlib
import random
from collections.abc import AsyncIterator

import httpx
from fastapi import FastAPI
from redis.asyncio import Redis

from reference_agents.agents.profile import profile_of
from reference_agents.api.deps import Parts
from reference_agents.api.doors import other_doors
from reference_agents.api.middleware import RequestContext
from reference_agents.api.readiness import Dependencies
from reference_agents.api.routes import router
from reference_agents.api.streams import router as streams
from reference_agents.common import log, problem, spans
from reference_agents.common.clock import RealClock
from reference_agents.common.metrics import Metrics
from reference_agents.common.settings import Settings
from reference_agents.cost.routes import router as cost_routes
from reference_agents.cost.till import till as till_of
from reference_agents.flaws import with_flaw
from reference_agents.llm.assemble import llm_client
from reference_agents.llm.backoff import Backoff
from reference_agents.runner.core import AgentRunner
from reference_agents.runner.memory import ContextManager
from reference_agents.runner.tools import RegistryClient
from reference_agents.security.install import credentials, guard
from reference_agents.tasks.events import EventLog
from reference_agents.tasks.store import TaskStore
from reference_agents.tasks.worker import Workers

DRAIN_S = 8.0
READERS = 200  # who may follow tasks at one process at the same time; one more gets no stream


def assemble(agent: str, settings: Settings) -> Parts:
    """Every part of the agent service `agent`, healthy."""
    profile = profile_of(agent)
    clock, metrics = RealClock(), Metrics(agent, profile.tools)
    logger = log.configure(f"agent-{agent}", settings.pod)
    spans.configure(f"agent-{agent}", settings.pod)
    http = httpx.AsyncClient(
        limits=httpx.Limits(max_connections=200, max_keepalive_connections=50),
        auth=credentials(f"agent-{agent}", clock),
    )
    redis = Redis.from_url(settings.redis_url, socket_timeout=3.0, socket_connect_timeout=1.0, max_connections=64)
    backoff = Backoff(random.SystemRandom())
    llm = llm_client(settings, http, backoff, clock, metrics)
    till = till_of(settings, redis, metrics, clock)
    runner = AgentRunner(
        name=agent,
        system_prompt=profile.system_prompt,
        llm=llm,
        till=till,
        tools=RegistryClient(http, settings.registry_url.rstrip("/"), f"agent-{agent}"),
        memory=ContextManager(redis, agent),
        backoff=backoff,
        clock=clock,
        metrics=metrics,
        log=logger,
        deadline_s=min(settings.task_deadline_s, profile.sla_s),
        most_tokens=profile.token_budget,
    )
    store = TaskStore(redis, agent, clock, lease_s=settings.lease_s)
    workers = Workers(store, runner, metrics, clock, logger, settings.pod, settings.workers, settings.lease_s)
    dependencies = Dependencies(redis, http, settings.registry_url)
    readers = Redis.from_url(
        settings.redis_url, socket_timeout=5.0, socket_connect_timeout=1.0, max_connections=READERS
    )
    events = EventLog(readers, agent)
    return Parts(settings, clock, metrics, http, redis, llm, till, runner, store, workers, dependencies, events)


def create_app(agent: str, settings: Settings) -> FastAPI:
    """The ASGI application of an agent, with the flaw that the settings name, if any."""
    parts = with_flaw(assemble(agent, settings), settings.flaw)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        parts.workers.start()
        async with other_doors(agent, parts):
            yield
        await parts.workers.drain(DRAIN_S)
        await parts.http.aclose()
        await parts.redis.aclose()
        await parts.events.redis.aclose()

    app = FastAPI(title=f"agent-{agent}", version="1.0.0", lifespan=lifespan)
    app.state.leave = parts.events.leave
    problem.install(app)
    app.include_router(router(parts))
    app.include_router(streams(parts))
    app.include_router(cost_routes(parts.till, agent))
    guard(app, f"agent-{agent}", parts.clock, settings.flaw)
    app.add_middleware(RequestContext)
    return app
