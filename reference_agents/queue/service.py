"""Puts an agent's Kafka door together, beside its HTTP door."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import structlog
from redis.asyncio import Redis

from reference_agents.common.clock import Clock
from reference_agents.common.ending import end
from reference_agents.flaws import with_flaw
from reference_agents.queue.codec import EventCodec, Format, HttpSchemas
from reference_agents.queue.consumer import Consumer
from reference_agents.queue.door import TaskDoor
from reference_agents.queue.events import dead_letter_topic, results_topic, tasks_topic
from reference_agents.queue.outbox import Outbox, Relay
from reference_agents.queue.producer import KafkaSender
from reference_agents.tasks.store import TaskStore
from reference_agents.tasks.worker import Workers


@dataclass(frozen=True)
class QueueSettings:
    """What a service that speaks Kafka is told; `brokers` is empty where it is not to."""

    brokers: str
    schemas: str
    events_as: Format
    attempts: int
    session_s: float

    @classmethod
    def of(cls, env: Mapping[str, str] = os.environ) -> QueueSettings:
        """From environment variables. Raises ValueError."""
        form = env.get("EVENT_FORMAT", "AVRO")
        if form not in ("AVRO", "JSON"):
            raise ValueError(f"EVENT_FORMAT: {form!r} is neither AVRO nor JSON")
        return cls(
            brokers=env.get("KAFKA_BROKERS", ""),
            schemas=env.get("SCHEMA_REGISTRY_URL", "http://127.0.0.1:8085"),
            events_as="JSON" if form == "JSON" else "AVRO",
            attempts=int(env.get("QUEUE_ATTEMPTS", "3")),
            session_s=float(env.get("KAFKA_SESSION_SECONDS", "10")),
        )


@dataclass
class Background:
    """Work beside a service's requests, from its start to its stop. What ends by itself is logged."""

    sender: KafkaSender
    log: structlog.typing.FilteringBoundLogger
    work: list[Coroutine[Any, Any, None]]
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def start(self) -> None:
        """Begin."""
        self._tasks = [asyncio.create_task(each) for each in self.work]
        for task in self._tasks:
            task.add_done_callback(self._ended)

    async def stop(self) -> None:
        """End; a message that is being handled is handled again by whoever gets its partition."""
        await end(*self._tasks)
        await self.sender.stop()

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            self.log.error("work beside the requests ended", error=repr(task.exception()))


def agent_queue(
    settings: QueueSettings, agent: str, pod: str, store: TaskStore, workers: Workers, redis: Redis,
    http: httpx.AsyncClient, clock: Clock, log: structlog.typing.FilteringBoundLogger, flaw: str = "",
) -> Background:  # fmt: skip
    """The consumer of an agent's tasks and the relay of its results. Raises ValueError for an unknown flaw."""
    sender, outbox = KafkaSender(settings.brokers), Outbox(redis, f"agent-{agent}")
    codec = EventCodec(HttpSchemas(http, settings.schemas))
    consumer = Consumer(
        settings.brokers,
        f"agent-{agent}",
        [tasks_topic(agent)],
        TaskDoor(agent, store, workers, codec, outbox, clock, settings.events_as),
        redis,
        sender,
        lambda topic: dead_letter_topic(agent),
        log,
        attempts=settings.attempts,
        session_s=settings.session_s,
        also=[results_topic(agent)],
    )
    consumer = with_flaw(consumer, flaw, "apply_queue")
    return Background(sender, log, [consumer.run(), Relay(outbox, sender, pod, log).run()])
