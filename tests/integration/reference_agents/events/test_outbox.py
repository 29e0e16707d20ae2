"""The outbox and its relay, also beside a broker that goes and comes back empty."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from redis.asyncio import Redis

from reference_agents.queue.events import (
    results_topic,
    tasks_topic,
)
from reference_agents.queue.messages import Message
from reference_agents.queue.outbox import Outbox, Relay
from reference_agents.queue.producer import BrokerAway, KafkaSender
from tests.integration.reference_agents.events.bench import LOG, TRACE, Book, Broker, consumer, running, until
from tests.integration.reference_agents.events.conftest import broker_command, free_port, process


class NoBroker:
    """A broker that is away until it is told to be there."""

    def __init__(self, sender: KafkaSender) -> None:
        self.sender, self.away, self.asked = sender, True, 0

    async def send(self, message: Message) -> None:
        self.asked += 1
        if self.away:
            raise BrokerAway("NodeNotReadyError")
        await self.sender.send(message)


async def test_the_outbox_sends_what_was_decided_once_the_broker_is_there(
    broker: Broker, redis: Redis, sender: KafkaSender
) -> None:
    outbox, gate = Outbox(redis, "orders"), NoBroker(sender)
    topic = results_topic(broker.agent)
    assert await outbox.add_once("fact", Message(topic, b"s", b"one", {"traceparent": TRACE}))
    assert not await outbox.add_once("fact", Message(topic, b"s", b"again"))
    await outbox.add_once("other fact", Message(topic, b"s", b"two"))
    async with running(Relay(outbox, gate, "pod-1", LOG).run()):
        await until(lambda: gate.asked >= 2)
        assert await outbox.depth() == 2
        gate.away = False
        rows = await broker.taken(topic, 2)
        async with asyncio.timeout(10):
            while await outbox.depth():  # noqa: ASYNC110
                await asyncio.sleep(0.02)
    assert [(row.value, row.key, row.headers) for row in rows] == [
        (b"one", b"s", (("traceparent", TRACE.encode()),)),
        (b"two", b"s", ()),
    ]


async def test_another_relay_sends_what_a_dead_one_had_taken(
    broker: Broker, redis: Redis, sender: KafkaSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reference_agents.queue.outbox.LEFT_BEHIND_MS", 0)
    outbox, gate = Outbox(redis, "orders"), NoBroker(sender)
    await outbox.add_once("fact", Message(results_topic(broker.agent), b"s", b"one"))
    async with running(Relay(outbox, gate, "dead", LOG).run()):
        await until(lambda: gate.asked >= 1)
    async with running(Relay(outbox, sender, "alive", LOG).run()):
        assert [row.value for row in await broker.taken(results_topic(broker.agent), 1)] == [b"one"]


async def test_a_broker_that_comes_back_empty_is_served_again(redis: Redis, tmp_path: Path) -> None:
    """A broker that keeps nothing but memory has forgotten the topics, the groups and every offset."""
    port = free_port()
    address, book = f"127.0.0.1:{port}", Book()
    sender = KafkaSender(address, timeout_s=5.0)
    broker = Broker(address, "phoenix", None)
    outbox = Outbox(redis, "phoenix")
    work = consumer(broker, redis, sender, book)
    async with running(work.run(), Relay(outbox, sender, "pod", LOG).run()):
        for life in (b"first", b"second"):
            with process(broker_command(port), port, tmp_path / "log"):
                await outbox.add_once(life.decode(), Message(tasks_topic("phoenix"), b"s", life))
                await until(lambda life=life: life in book.handled, within_s=60)
    await sender.stop()
    assert sorted(set(book.handled)) == [b"first", b"second"]
