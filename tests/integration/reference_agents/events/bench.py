"""What the queue's tests say to a broker, and a handler that does as it is told."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from redis.asyncio import Redis

from reference_agents.common.ending import end
from reference_agents.queue.consumer import Consumer, Handler
from reference_agents.queue.events import (
    tasks_topic,
)
from reference_agents.queue.messages import Received

LOG = structlog.make_filtering_bound_logger(50)(structlog.PrintLogger(), [], {})
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@dataclass
class Broker:
    """What a test says to the broker, under names of its own."""

    brokers: str
    agent: str
    producer: Any

    async def put(self, value: bytes, key: str = "s", topic: str = "", **headers: str) -> None:
        rows = [(name, text.encode()) for name, text in headers.items()]
        await self.producer.send_and_wait(topic or tasks_topic(self.agent), value, key=key.encode(), headers=rows)

    async def taken(self, topic: str, count: int, within_s: float = 20) -> list[Any]:
        """The first `count` messages of a topic."""
        consumer = AIOKafkaConsumer(topic, bootstrap_servers=self.brokers, auto_offset_reset="earliest")
        await consumer.start()
        try:
            async with asyncio.timeout(within_s):
                return [await consumer.getone() for _ in range(count)]
        finally:
            await consumer.stop()

    async def committed(self, topic: str, group: str) -> int:
        """Messages of a topic that the group is done with."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self.brokers, group_id=group, enable_auto_commit=False)
        await consumer.start()
        try:
            offsets = [await consumer.committed(TopicPartition(topic, number)) for number in range(6)]
            return sum(offset or 0 for offset in offsets)
        finally:
            await consumer.stop()


@contextlib.asynccontextmanager
async def running(*work: Any) -> AsyncIterator[None]:
    """`work` beside the test's body; what it raises fails the test."""
    tasks = [asyncio.create_task(each) for each in work]
    try:
        yield
        for task in tasks:
            if task.done():
                task.result()
    finally:
        await end(*tasks)


async def until(met: Callable[[], bool], within_s: float = 20) -> None:
    async with asyncio.timeout(within_s):
        while not met():  # noqa: ASYNC110 - the broker tells nobody
            await asyncio.sleep(0.02)


def consumer(broker: Broker, redis: Redis, sender: Any, handle: Handler) -> Consumer:
    return Consumer(
        broker.brokers,
        f"agent-{broker.agent}",
        [tasks_topic(broker.agent)],
        handle,
        redis,
        sender,
        lambda topic: f"{topic}.dlq",
        LOG,
        wait_s=lambda attempt: 0.0,
        session_s=1.0,
    )


@dataclass
class Book:
    """A handler that notes what it is given, and fails as it is told to."""

    handled: list[bytes] = field(default_factory=list)
    tried: list[bytes] = field(default_factory=list)
    troubles: dict[bytes, list[Exception]] = field(default_factory=dict)

    async def __call__(self, message: Received) -> None:
        self.tried.append(message.value)
        rows = self.troubles.get(message.value, [])
        if rows:
            raise rows.pop(0) if len(rows) > 1 else rows[0]
        self.handled.append(message.value)
