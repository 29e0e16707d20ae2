"""Puts the orchestrator together: the one place where its parts meet."""

from __future__ import annotations

import contextlib
import os
import random
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx
from fastapi import FastAPI
from prometheus_client import Gauge
from redis.asyncio import Redis

from reference_agents.a2a.handler import OrchestratorA2A
from reference_agents.a2a.service import card
from reference_agents.a2a.service import routes as a2a_routes
from reference_agents.api.middleware import RequestContext
from reference_agents.common import log, problem, spans
from reference_agents.common.clock import RealClock
from reference_agents.common.metrics import Metrics
from reference_agents.common.settings import Settings
from reference_agents.cost.routes import router as cost_routes
from reference_agents.cost.till import till as till_of
from reference_agents.flaws import with_flaw
from reference_agents.llm.assemble import llm_client
from reference_agents.llm.backoff import Backoff
from reference_agents.orchestrator.agents import Agents, ByTransport, HttpAgents
from reference_agents.orchestrator.core import Orchestrator
from reference_agents.orchestrator.deps import OrchestratorParts
from reference_agents.orchestrator.directory import AgentEntry, directory
from reference_agents.orchestrator.node import NodeRunner
from reference_agents.orchestrator.planner import Planner, Synthesizer
from reference_agents.orchestrator.routes import router
from reference_agents.orchestrator.state import RunState
from reference_agents.orchestrator.store import OrchestrationStore
from reference_agents.orchestrator.supervisor import Supervisor
from reference_agents.security.install import credentials, guard
from reference_agents.tasks.worker import Workers

if TYPE_CHECKING:
    from reference_agents.queue.service import Background

DRAIN_S = 8.0


@dataclass(frozen=True)
class OrchestratorSettings:
    """What only the orchestrator is told. Times in seconds."""

    agents: Mapping[str, AgentEntry]
    attempts: int
    attempt_s: float
    first_wait_s: float
    deadline_s: float
    public_url: str = "http://127.0.0.1:8080"
    over_kafka: bool = False  # those agents whose entry does not say

    @property
    def queued(self) -> dict[str, AgentEntry]:
        """The agents that are asked over Kafka."""
        default = "kafka" if self.over_kafka else "http"
        return {name: entry for name, entry in self.agents.items() if (entry.transport or default) == "kafka"}

    @classmethod
    def of(cls, env: Mapping[str, str] = os.environ) -> OrchestratorSettings:
        """From environment variables. Raises ValueError."""
        transport = env.get("AGENT_TRANSPORT", "http")
        if transport not in ("http", "kafka"):
            raise ValueError(f"AGENT_TRANSPORT: {transport!r} is neither http nor kafka")
        return cls(
            agents=directory(env.get("AGENTS", "[]")),
            attempts=int(env.get("SUPERVISOR_ATTEMPTS", "3")),
            attempt_s=float(env.get("SUPERVISOR_TIMEOUT", "60")),
            first_wait_s=float(env.get("SUPERVISOR_FIRST_WAIT", "1")),
            deadline_s=float(env.get("ORCHESTRATION_DEADLINE", "300")),
            public_url=env.get("PUBLIC_URL", "http://127.0.0.1:8080"),
            over_kafka=transport == "kafka",
        )


def assemble(settings: Settings, own: OrchestratorSettings, env: Mapping[str, str] = os.environ) -> OrchestratorParts:
    """Every part of the orchestrator, healthy."""
    clock, metrics, rng = RealClock(), Metrics("orchestrator"), random.SystemRandom()
    logger = log.configure("orchestrator", settings.pod)
    spans.configure("orchestrator", settings.pod)
    http = httpx.AsyncClient(
        limits=httpx.Limits(max_connections=200, max_keepalive_connections=50), auth=credentials("orchestrator", clock)
    )
    redis = Redis.from_url(settings.redis_url, socket_timeout=3.0, socket_connect_timeout=1.0, max_connections=64)
    llm = llm_client(settings, http, Backoff(rng), clock, metrics)
    till, state = till_of(settings, redis, metrics, clock), RunState(redis)
    queue: Background | None = None
    agents: Agents = HttpAgents(http, own.agents)
    if queued := own.queued:
        from reference_agents.orchestrator.kafka_agents import agents_over_kafka
        from reference_agents.queue.service import QueueSettings

        over_kafka, queue = agents_over_kafka(QueueSettings.of(env), queued, redis, http, settings.pod, clock, logger)
        agents = ByTransport(agents, over_kafka, frozenset(queued))
    nodes = NodeRunner(
        agents,
        own.agents,
        Supervisor(rng, own.attempts, own.attempt_s, own.first_wait_s),
        clock,
    )
    orchestrator = Orchestrator(
        Planner(llm, own.agents), Synthesizer(llm), till, nodes, state, clock, metrics, logger, own.deadline_s
    )
    store = OrchestrationStore(redis, clock, state, lease_s=settings.lease_s)
    workers = Workers(store, orchestrator, metrics, clock, logger, settings.pod, settings.workers, settings.lease_s)
    depth = Gauge("orchestrator_queue_depth", "Tasks waiting for a worker", registry=metrics.registry)
    return OrchestratorParts(
        clock, metrics, depth, http, redis, llm, till, orchestrator, store, workers, own.deadline_s, queue
    )


def create_app(settings: Settings, env: Mapping[str, str] = os.environ) -> FastAPI:
    """The ASGI application of the orchestrator, with the flaw that the settings name, if any. Raises ValueError."""
    own = OrchestratorSettings.of(env)
    parts = with_flaw(assemble(settings, own, env), settings.flaw, "apply_orchestrator")

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        parts.workers.start()
        if parts.queue is not None:
            parts.queue.start()
        yield
        await parts.workers.drain(DRAIN_S)
        if parts.queue is not None:
            await parts.queue.stop()
        await parts.http.aclose()
        await parts.redis.aclose()

    app = FastAPI(title="orchestrator", version="1.0.0", lifespan=lifespan)
    problem.install(app)
    app.include_router(router(parts))
    app.include_router(cost_routes(parts.till, "orchestrator"))
    a2a = OrchestratorA2A(parts.store, parts.workers, parts.clock, parts.deadline_s)
    app.router.routes.extend(a2a_routes(a2a, card(own.public_url, own.agents.values())))
    guard(app, "orchestrator", parts.clock, settings.flaw, env)
    app.add_middleware(RequestContext)
    return app
