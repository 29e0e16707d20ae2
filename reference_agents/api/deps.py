"""What the routes work with."""

from __future__ import annotations

from dataclasses import dataclass

import httpx
from redis.asyncio import Redis

from reference_agents.api.readiness import Dependencies
from reference_agents.common.clock import Clock
from reference_agents.common.metrics import Metrics
from reference_agents.common.settings import Settings
from reference_agents.cost.till import Till
from reference_agents.llm.client import LLMClient
from reference_agents.runner.core import AgentRunner
from reference_agents.tasks.events import EventLog
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
    till: Till
    runner: AgentRunner
    store: TaskStore
    workers: Workers
    dependencies: Dependencies
    events: EventLog

    def with_llm(self, llm: LLMClient) -> Parts:
        """The same service over another LLM client."""
        self.llm = self.runner.llm = llm
        return self

    def with_till(self, till: Till) -> Parts:
        """The same service over another till."""
        self.till = self.runner.till = till
        return self

    def with_runner(self, runner: AgentRunner) -> Parts:
        """The same service over another runner."""
        self.runner = self.workers.runner = runner
        return self

    def with_store(self, store: TaskStore) -> Parts:
        """The same service over another store of tasks."""
        self.store = self.workers.store = store
        return self
