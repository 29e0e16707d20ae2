"""One producer for the life of the process."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, Protocol

from reference_agents.common import spans
from reference_agents.common.context import CURRENT, current, of_headers
from reference_agents.queue.messages import Message


class BrokerAway(Exception):
    """The broker did not take the message, or did not say that it did: it may be there, and may not."""


class Sender(Protocol):
    """How messages are sent."""

    async def send(self, message: Message) -> None:
        """Return once every in-sync replica has the message. Raises BrokerAway."""


@dataclass
class KafkaSender:
    """An aiokafka producer, connected at the first message and kept.

    Not an idempotent producer: the receivers know each message by its task's id anyhow, and the small brokers that
    stand in for Kafka on a laptop do not take one.
    """

    brokers: str
    timeout_s: float = 10.0
    _producer: Any = None
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def send(self, message: Message) -> None:
        """See Sender."""
        from aiokafka.errors import KafkaError

        came = of_headers(message.headers)
        before = CURRENT.set(came)
        try:
            with spans.span(
                f"send {message.topic}", "producer", messaging__system="kafka", messaging__operation__type="send",
                messaging__destination__name=message.topic,
            ):  # fmt: skip
                async with asyncio.timeout(self.timeout_s):
                    await self._sent(message, traced=current() is not came)
        except (KafkaError, TimeoutError, OSError) as error:
            raise BrokerAway(type(error).__name__) from None
        finally:
            CURRENT.reset(before)

    async def _sent(self, message: Message, *, traced: bool) -> None:
        producer = await self._connected()
        # The same trace, with the sending as the parent of what the receivers do. Untraced, a message goes as it came.
        parent = current().headers() if traced and "traceparent" in message.headers else {}
        headers = {**message.headers, **parent}
        await producer.send_and_wait(
            message.topic,
            message.value,
            key=message.key,
            headers=[(name, value.encode()) for name, value in headers.items()],
        )

    async def stop(self) -> None:
        """Send what is under way and disconnect."""
        if self._producer is not None:
            await self._producer.stop()

    async def _connected(self) -> Any:
        from aiokafka import AIOKafkaProducer

        async with self._turn:
            if self._producer is None:
                producer = AIOKafkaProducer(
                    bootstrap_servers=self.brokers, acks="all", request_timeout_ms=int(self.timeout_s * 1000)
                )
                try:
                    await producer.start()
                except BaseException:
                    await producer.stop()
                    raise
                self._producer = producer
        return self._producer
