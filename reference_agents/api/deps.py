"""What the routes work with."""

from __future__ import annotations

from dataclasses import dataclass

import httpx
from redis.asyncio import Redis

from reference_agents.common.clock import Clock
from reference_agents.common.metrics import Metrics
from reference_agents.common.settings import Settings
from reference_agents.llm.client import LLMClient
from reference_agents.runner.core import AgentRunner
from reference_agents.tasks.store import TaskStore
from reference_agents.tasks.worker import Workers


@dataclass
class Parts:
    """An agent service put together: each part can be replaced by another that keeps the same promise."""

    settings: Settings
    clock: Clock
    metrics: Metrics
    http: httpx.AsyncClient
    redis: Redis
    llm: LLMClient
    runner: AgentRunner
    store: TaskStore
    workers: Workers
