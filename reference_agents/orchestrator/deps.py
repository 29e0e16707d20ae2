"""What the orchestrator's routes work with."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx
from prometheus_client import Gauge
from redis.asyncio import Redis
from redis.exceptions import RedisError

from reference_agents.api.readiness import WITHIN_S, Readiness
from reference_agents.common.clock import Clock
from reference_agents.common.metrics import Metrics
from reference_agents.cost.till import Till
from reference_agents.llm.client import LLMClient
from reference_agents.orchestrator.core import Orchestrator
from reference_agents.orchestrator.store import OrchestrationStore
from reference_agents.tasks.worker import Workers

if TYPE_CHECKING:
    from reference_agents.queue.service import Background


@dataclass
class OrchestratorParts:
    """The orchestrator put together: each part can be replaced by another that keeps the same promise."""

    clock: Clock
    metrics: Metrics
    queue_depth: Gauge
    http: httpx.AsyncClient
    redis: Redis
    llm: LLMClient
    till: Till
    orchestrator: Orchestrator
    store: OrchestrationStore
    workers: Workers
    deadline_s: float
    queue: Background | None = None  # what runs beside the requests where agents are asked over Kafka

    def with_till(self, till: Till) -> OrchestratorParts:
        """The same service over another till."""
        self.till = self.orchestrator.till = till
        return self

    async def ready(self) -> Readiness:
        """Redis is what it needs. An agent that is away fails its own nodes, and no restart here brings it back."""
        try:
            async with asyncio.timeout(WITHIN_S):
                await self.redis.ping()
        except (RedisError, TimeoutError, OSError) as error:
            return Readiness(ready=False, checks={"redis": type(error).__name__})
        return Readiness(ready=True, checks={"redis": "ok"})
