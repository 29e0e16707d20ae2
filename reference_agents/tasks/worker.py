"""Workers: claim a task, run it, keep its lease, until told to drain."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import Protocol

import structlog
from redis.exceptions import RedisError

from reference_agents.common import spans
from reference_agents.common.clock import Clock
from reference_agents.common.context import CURRENT, Trace
from reference_agents.common.ending import end
from reference_agents.common.log import hashed
from reference_agents.common.metrics import Metrics
from reference_agents.runner.core import Cancelled, Checkpoint, Progress
from reference_agents.runner.schemas import AgentResult, AgentTask
from reference_agents.tasks.endings import Endings
from reference_agents.tasks.store import Claim, StaleFence, TaskStore

IDLE_S = 0.2  # between two looks at an empty queue; a task handed in here is started at once
TROUBLE_S = 0.5


class Runner(Protocol):
    """What a worker does with a task."""

    async def run(self, task: AgentTask, progress: Progress, checkpoint: Checkpoint) -> AgentResult: ...


@dataclass
class Workers:
    """`count` loops over one store. `drain` lets what is under way end and takes nothing new."""

    store: TaskStore
    runner: Runner
    metrics: Metrics
    clock: Clock
    log: structlog.typing.FilteringBoundLogger
    pod: str
    count: int
    lease_s: float
    endings: Endings = field(default_factory=Endings)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _work_here: asyncio.Event = field(default_factory=asyncio.Event)
    _draining: asyncio.Event = field(default_factory=asyncio.Event)
    _loops: list[asyncio.Task[None]] = field(default_factory=list)

    def start(self) -> None:
        """Begin to claim tasks."""
        self._loops = [asyncio.create_task(self._loop(f"{self.pod}/{n}")) for n in range(self.count)]

    def kick(self) -> None:
        """A task was handed in through this process: look at once."""
        self._work_here.set()

    async def drain(self, grace_s: float) -> None:
        """Take nothing new; what has not ended after `grace_s` is left to another pod, from its checkpoint."""
        self._draining.set()
        self._work_here.set()
        if self._loops:
            _, late = await asyncio.wait(self._loops, timeout=grace_s)
            await end(*late)

    async def _loop(self, worker: str) -> None:
        while not self._draining.is_set():
            claim = await self._next(worker)
            if claim is None:
                continue
            try:
                await self._work(claim)
            except StaleFence:
                self.log.warning("the lease went to another worker", task_id=claim.task.id)
            except RedisError as error:
                self.log.warning("the task is left to its lease", task_id=claim.task.id, error=type(error).__name__)
                await self._pause(TROUBLE_S)
            except Exception:
                # The lease runs out and the task is claimed again, a bounded number of times.
                self.log.exception("a worker broke", task_id=claim.task.id)

    async def _next(self, worker: str) -> Claim | None:
        """A claimed task. Idle workers take turns, so that an idle pod asks Redis five times a second, not forty."""
        async with self._turn:
            self._work_here.clear()
            if self._draining.is_set():
                return None
            try:
                claim = await self.store.claim(worker)
            except RedisError as error:
                self.log.warning("no tasks to be had", error=type(error).__name__)
                await self._pause(TROUBLE_S)
                return None
            if claim is None:
                await self._pause(IDLE_S)
            return claim

    async def _work(self, claim: Claim) -> None:
        CURRENT.set(Trace(claim.task.trace_id, claim.task.baggage, claim.task.span_id))
        agent, began = self.metrics.agent, self.clock.monotonic()
        with spans.span(
            f"invoke_agent {agent}", gen_ai__operation__name="invoke_agent", gen_ai__agent__name=agent,
            agent__name=agent, agent__task_id=claim.task.id, agent__session=hashed(claim.task.session_id),
        ) as span:  # fmt: skip
            result = await self._run(claim)
            span.put(
                agent__status=str(result.status), agent__steps_used=result.steps_used,
                agent__tokens_used=result.tokens_used,
            )  # fmt: skip
            if result.error:
                span.failed(result.error.partition(":")[0])
        await self.store.finish(claim, result)
        self.metrics.tasks.labels(agent, str(result.status)).inc()
        self.metrics.duration.labels(agent).observe(self.clock.monotonic() - began)
        self.metrics.steps.labels(agent).observe(result.steps_used)
        self.endings.tell(claim.task.id)

    async def _run(self, claim: Claim) -> AgentResult:
        """Run the task and keep its lease meanwhile."""

        async def checkpoint(progress: Progress) -> None:
            if await self.store.checkpoint(claim, progress):
                raise Cancelled

        running = asyncio.create_task(self.runner.run(claim.task, claim.progress, checkpoint))
        keeping = asyncio.create_task(self._keep(claim))
        try:
            await asyncio.wait({running, keeping}, return_when=asyncio.FIRST_COMPLETED)
            if not running.done():
                keeping.result()  # raises what ended the keeping
            return await running
        finally:
            await end(running, keeping)

    async def _keep(self, claim: Claim) -> None:
        while True:
            await asyncio.sleep(self.lease_s / 3)
            try:
                await self.store.renew(claim)
            except RedisError as error:
                self.log.warning("the lease could not be renewed", task_id=claim.task.id, error=type(error).__name__)

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._work_here.wait(), seconds)
