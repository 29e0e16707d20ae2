"""A consumer that loses nothing and that nothing holds up for good.

    message ─▶ handle ──ok──────────────────────────▶ commit
                 │ Later (Redis or broker is away) ─▶ wait, again: nothing is known against the message
                 │ Poison (it will never work) ─────▶ dead letter ─▶ commit
                 └ anything else: again, until its attempts are used up ─▶ dead letter ─▶ commit

An offset is committed only after what came of the message is kept, so a message is handled at least once. The
attempts are counted in Redis before each one: a message that kills the process is among those that are given up.
One partition's messages are handled one after the other, partitions beside each other.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from reference_agents.common import spans
from reference_agents.common.context import CURRENT, of_headers
from reference_agents.common.ending import end
from reference_agents.queue.messages import Received, dead
from reference_agents.queue.producer import BrokerAway, Sender
from reference_agents.queue.topics import ensure

POLL_MS, TROUBLE_S = 300, 0.5
COUNTED_S = 24 * 3600


class Poison(Exception):
    """The message can never be handled; the text says why."""


class Later(Exception):
    """The message could not be handled now, for a reason that is not its own."""


class Handler(Protocol):
    """What is done with each message."""

    async def __call__(self, message: Received) -> None:
        """Return once what came of `message` is kept; it may be handled more than once. Raises Poison and Later."""


@dataclass
class Consumer:
    """Handles the messages of `topics` as one of a group, until cancelled.

    `dead_letters` gives the topic where a topic's hopeless messages go; `wait_s` the seconds to wait after the n-th
    failed attempt, counted from 0.
    """

    brokers: str
    group: str
    topics: Sequence[str]
    handle: Handler
    redis: Redis
    sender: Sender
    dead_letters: Callable[[str], str]
    log: structlog.typing.FilteringBoundLogger
    attempts: int = 3
    wait_s: Callable[[int], float] = lambda attempt: min(2.0, 0.2 * 2**attempt)
    session_s: float = 10.0  # a member that is silent for so long has its partitions taken
    also: Sequence[str] = ()  # other topics that have to be there
    _busy: dict[Any, asyncio.Task[None]] = field(default_factory=dict)

    async def run(self) -> None:
        """Consume for ever; a broker that is away is waited for."""
        from aiokafka.errors import KafkaError

        while True:
            try:
                await self._consume()
            except (KafkaError, OSError) as error:
                self.log.warning("no messages to be had", error=type(error).__name__)
            await asyncio.sleep(TROUBLE_S)

    async def _consume(self) -> None:
        from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener

        outer = self

        class Rebalanced(ConsumerRebalanceListener):  # type: ignore[misc]
            async def on_partitions_revoked(self, revoked: Any) -> None:
                # Whoever gets the partition handles again what was not committed.
                await outer._drop(list(revoked))

            async def on_partitions_assigned(self, assigned: Any) -> None:
                pass

        await ensure(self.brokers, [*self.topics, *map(self.dead_letters, self.topics), *self.also])
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.brokers,
            group_id=self.group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=int(self.session_s * 1000),
            heartbeat_interval_ms=int(self.session_s * 100),
            max_poll_interval_ms=60_000,
            metadata_max_age_ms=10_000,
        )
        consumer.subscribe(self.topics, listener=Rebalanced())
        try:
            await consumer.start()
            while True:
                self._ended(consumer)
                for partition, rows in (await consumer.getmany(timeout_ms=POLL_MS, max_records=64)).items():
                    # Not polled again until these are done; the others are, and the group sees that we live.
                    consumer.pause(partition)
                    self._busy[partition] = asyncio.create_task(self._partition(consumer, partition, rows))
        finally:
            await self._drop(list(self._busy))
            await consumer.stop()

    def _ended(self, consumer: Any) -> None:
        """Go on with the partitions whose messages are done. Raises what ended one of them otherwise."""
        for partition, task in list(self._busy.items()):
            if task.done():
                del self._busy[partition]
                task.result()
                if partition in consumer.assignment():
                    consumer.resume(partition)

    async def _drop(self, partitions: list[Any]) -> None:
        tasks = [self._busy.pop(partition) for partition in partitions if partition in self._busy]
        await end(*tasks)

    async def _partition(self, consumer: Any, partition: Any, rows: Sequence[Any]) -> None:
        for row in rows:
            await self._one(received(row))
            await consumer.commit({partition: row.offset + 1})

    async def _one(self, message: Received) -> None:
        """Bring one message to its end: handled, or a dead letter."""
        CURRENT.set(of_headers(message.headers))
        with spans.span(
            f"process {message.topic}", "consumer", messaging__system="kafka", messaging__operation__type="process",
            messaging__destination__name=message.topic, messaging__consumer__group__name=self.group,
        ):  # fmt: skip
            await self._until_handled(message)

    async def _until_handled(self, message: Received) -> None:
        counter = f"queue:attempts:{self.group}:{message.id}"
        while True:
            try:
                if await self._attempt(message, counter):
                    return
            except (Later, RedisError, BrokerAway) as trouble:
                self.log.warning("a message waits", topic=message.topic, error=str(trouble) or type(trouble).__name__)
                # Nothing that the message could help: the attempt does not count.
                with contextlib.suppress(RedisError):
                    await self.redis.decr(counter)
                await asyncio.sleep(TROUBLE_S)

    async def _attempt(self, message: Received, counter: str) -> bool:
        """Whether the message is at its end. Raises Later, RedisError, BrokerAway."""
        made = await self._count(counter)
        try:
            error = "it ended the process that handled it"
            if made <= self.attempts:
                error = ""
                await self.handle(message)
        except (Later, RedisError, BrokerAway):
            raise
        except Poison as poison:
            error = str(poison)
        except Exception as failure:
            self.log.exception("a message could not be handled", topic=message.topic, attempt=made)
            if made < self.attempts:
                await asyncio.sleep(self.wait_s(made - 1))
                return False
            error = f"{type(failure).__name__}: {failure}"
        if error:
            await self.sender.send(dead(message, self.dead_letters(message.topic), error, min(made, self.attempts)))
            self.log.error("a message was given up", topic=message.topic, attempts=min(made, self.attempts))
        await self.redis.delete(counter)
        return True

    async def _count(self, counter: str) -> int:
        """One more attempt, counted before it is made; how many that is."""
        pipe = self.redis.pipeline(transaction=True)
        pipe.incr(counter)
        pipe.expire(counter, COUNTED_S)
        return int((await pipe.execute())[0])


def received(row: Any) -> Received:
    """aiokafka's record as ours; a header whose value is no text is read as far as it is one."""
    headers = {name: (value or b"").decode("utf-8", "replace") for name, value in row.headers}
    return Received(row.topic, row.key or b"", row.value or b"", headers, row.partition, row.offset, row.timestamp)
