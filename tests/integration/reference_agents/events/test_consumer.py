"""Consumers: poison, patience, death, commits, order."""

from __future__ import annotations

import asyncio

from redis.asyncio import Redis

from reference_agents.queue.consumer import Later, Poison
from reference_agents.queue.events import (
    dead_letter_topic,
    tasks_topic,
)
from reference_agents.queue.messages import Received
from reference_agents.queue.producer import KafkaSender
from tests.integration.reference_agents.events.bench import TRACE, Book, Broker, consumer, running, until


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
