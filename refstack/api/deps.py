"""What the routes work with."""

from __future__ import annotations

from dataclasses import dataclass

import httpx
from redis.asyncio import Redis

from refstack.common.clock import Clock
from refstack.common.metrics import Metrics
from refstack.common.settings import Settings
from refstack.llm.client import LlmClient
from refstack.runner.core import AgentRunner
from refstack.tasks.store import TaskStore
from refstack.tasks.worker import Workers


@dataclass
class Parts:
    """An agent service put together: each part can be replaced by another that keeps the same promise."""

    settings: Settings
    clock: Clock
    metrics: Metrics
    http: httpx.AsyncClient
    redis: Redis
    llm: LlmClient
    runner: AgentRunner
    store: TaskStore
    workers: Workers
