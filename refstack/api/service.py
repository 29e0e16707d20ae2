"""Puts an agent service together: the one place where parts meet."""

from __future__ import annotations

import contextlib
import importlib
import random
from collections.abc import AsyncIterator

import httpx
from fastapi import FastAPI
from redis.asyncio import Redis

from refstack.api.deps import Parts
from refstack.api.middleware import RequestContext
from refstack.api.routes import router
from refstack.common import log, problem
from refstack.common.clock import RealClock
from refstack.common.metrics import Metrics
from refstack.common.settings import Settings
from refstack.flaws import with_flaw
from refstack.llm.breaker import CircuitBreaker
from refstack.llm.client import LlmClient
from refstack.llm.protocols import Anthropic, OpenAI
from refstack.llm.retry import Backoff
from refstack.runner.core import AgentRunner
from refstack.runner.memory import ContextManager
from refstack.runner.tools import RegistryClient
from refstack.tasks.store import TaskStore
from refstack.tasks.worker import Workers

DRAIN_S = 8.0


def assemble(agent: str, settings: Settings) -> Parts:
    """Every part of the agent service `agent`, healthy."""
    clock, metrics, rng = RealClock(), Metrics(agent), random.SystemRandom()
    logger = log.configure(f"agent-{agent}", settings.pod)
    timeout = httpx.Timeout(settings.llm_read_s, connect=settings.llm_connect_s)
    http = httpx.AsyncClient(timeout=timeout, limits=httpx.Limits(max_connections=200, max_keepalive_connections=50))
    redis = Redis.from_url(settings.redis_url, socket_timeout=3.0, socket_connect_timeout=1.0, max_connections=64)
    breakers = {
        model.name: CircuitBreaker(
            failures=settings.breaker_failures,
            open_s=settings.breaker_open_s,
            clock=clock,
            on_change=metrics.breaker.labels(agent, model.name).set,
        )
        for model in settings.cascade
    }
    llm = LlmClient(
        http=http,
        protocols={
            "openai": OpenAI(settings.openai_base_url.rstrip("/"), settings.openai_key),
            "anthropic": Anthropic(settings.anthropic_base_url.rstrip("/"), settings.anthropic_key),
        },
        cascade=settings.cascade,
        breakers=breakers,
        backoff=Backoff(),
        clock=clock,
        rng=rng,
        metrics=metrics,
        attempts=settings.llm_attempts,
        total_s=settings.llm_total_s,
    )
    prompts = importlib.import_module(f"refstack.agents.{agent}.prompts")
    runner = AgentRunner(
        name=agent,
        system_prompt=prompts.SYSTEM,
        llm=llm,
        tools=RegistryClient(http, settings.registry_url.rstrip("/"), f"agent-{agent}"),
        memory=ContextManager(redis, agent),
        backoff=Backoff(),
        clock=clock,
        rng=rng,
        metrics=metrics,
        log=logger,
        deadline_s=settings.task_deadline_s,
    )
    store = TaskStore(redis, agent, clock, lease_s=settings.lease_s)
    workers = Workers(store, runner, metrics, clock, logger, settings.pod, settings.workers, settings.lease_s)
    return Parts(settings, clock, metrics, http, redis, llm, runner, store, workers)


def create_app(agent: str, settings: Settings) -> FastAPI:
    """The ASGI application of an agent, with the flaw that the settings name, if any."""
    parts = with_flaw(assemble(agent, settings), settings.flaw)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        parts.workers.start()
        yield
        await parts.workers.drain(DRAIN_S)
        await parts.http.aclose()
        await parts.redis.aclose()

    app = FastAPI(title=f"agent-{agent}", version="1.0.0", lifespan=lifespan)
    problem.install(app)
    app.include_router(router(parts))
    app.add_middleware(RequestContext)
    return app
