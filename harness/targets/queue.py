"""A client of a service that takes its work from a Kafka topic: sends task events, hears what became of them."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from pydantic import JsonValue

from harness.core.clock import Clock
from harness.core.config import QueueApi
from harness.core.errors import ConfigError, InfraError
from harness.targets.event_codec import EventCodec, Unreadable
from harness.targets.fields import fill, pick
from harness.targets.target import LiveService, Target

CONNECT_S = 15.0
POLL_MS = 200


@dataclass(frozen=True)
class Heard:
    """A message as it came. `event` is None where its value cannot be read, and `unreadable` says why."""

    topic: str
    key: bytes
    value: bytes
    headers: Mapping[str, str]
    event: JsonValue = None
    unreadable: str = ""

    def field(self, path: str) -> str:
        """The event's value at a dotted path as text; empty where there is none."""
        found = pick(self.event, path)
        return "" if found is None else str(found)


@dataclass
class QueueClient:
    """Made by `queue_client`. Hears only what is sent after it was made, from every partition."""

    api: QueueApi
    codec: EventCodec
    clock: Clock
    _producer: Any
    heard: list[Heard] = field(default_factory=list)
    _came: asyncio.Event = field(default_factory=asyncio.Event)
    _broken: BaseException | None = None

    def event(self, task_id: str, session: str, prompt: str) -> dict[str, Any]:
        """A task event as windtunnel.toml words it."""
        now = self.clock.wall().isoformat(timespec="milliseconds")
        words = {"id": task_id, "session": session, "prompt": prompt, "now": now}
        made: dict[str, Any] = fill(self.api.event, words)
        return made

    def key_of(self, session: str, task_id: str) -> bytes:
        """The key of a task event."""
        return str(fill(self.api.key, {"session": session, "id": task_id})).encode()

    async def send(
        self, event: Mapping[str, Any] | bytes, *, session: str, headers: Mapping[str, str], task_id: str = ""
    ) -> None:
        """Put a task event, or bytes as they are, on the topic. Raises InfraError, ConfigError."""
        value = event if isinstance(event, bytes) else await self.codec.encode(dict(event), self.api.subject)
        key = self.key_of(session, task_id)
        pairs = [(name, text.encode()) for name, text in headers.items()]
        try:
            await asyncio.wait_for(
                self._producer.send_and_wait(self.api.topic, value, key=key, headers=pairs), CONNECT_S
            )
        except Exception as error:  # what aiokafka raises has no common base of ours
            raise InfraError(f"the broker does not take a message: {type(error).__name__}: {error}") from None

    async def until(self, wanted: Callable[[Heard], bool], timeout_s: float) -> Heard | None:
        """The first message heard that is `wanted`, already or within `timeout_s`; None when there is none.

        Raises InfraError when the broker is lost meanwhile.
        """
        end = self.clock.monotonic() + timeout_s
        while True:
            for message in self.heard:
                if wanted(message):
                    return message
            if self._broken is not None:
                raise InfraError(f"the broker was lost: {self._broken}")
            left = end - self.clock.monotonic()
            if left <= 0:
                return None
            self._came.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._came.wait(), min(left, 1.0))

    def result_of(self, task_id: str) -> Callable[[Heard], bool]:
        """Whether a message is the result event of a task event."""
        return lambda heard: heard.topic == self.api.results and heard.field(self.api.id_field) == task_id

    def dead(self, value: bytes) -> Callable[[Heard], bool]:
        """Whether a message is the dead letter of this value."""
        return lambda heard: heard.topic == self.api.dead_letters and heard.value == value

    async def _listen(self, consumer: Any) -> None:
        try:
            while True:
                for rows in (await consumer.getmany(timeout_ms=POLL_MS)).values():
                    for row in rows:
                        self.heard.append(await self._read(row))
                    self._came.set()
        except Exception as error:
            self._broken = error
            self._came.set()

    async def _read(self, row: Any) -> Heard:
        headers = {name: (value or b"").decode("utf-8", "replace") for name, value in row.headers}
        value = row.value or b""
        event, why = None, ""
        if row.topic == self.api.results:
            try:
                event = await self.codec.decode(value)
            except Unreadable as error:
                why = str(error)
        return Heard(row.topic, row.key or b"", value, headers, event, why)


@contextlib.asynccontextmanager
async def queue_client(
    service: LiveService, target: Target, http: httpx.AsyncClient, clock: Clock, root: Path
) -> AsyncIterator[QueueClient]:
    """A client of the service's queue, listening; files lie relative to `root`. Raises ConfigError, InfraError."""
    api = service.spec.queue
    if api is None:
        raise ConfigError(
            f"service {service.name!r} takes no tasks from a queue",
            hint=f"describe it under [target.services.{service.name}.queue] in windtunnel.toml",
        )
    try:
        from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
    except ImportError:
        raise ConfigError("aiokafka is not installed", hint="pip install 'agent-windtunnel[queue]'") from None
    own = _text(api.event_schema, root)
    brokers = _address(api.broker, target)
    registry = None if api.schema_registry is None else _url(api.schema_registry, target)
    producer = AIOKafkaProducer(bootstrap_servers=brokers, acks="all", request_timeout_ms=10_000)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=brokers, enable_auto_commit=False, auto_offset_reset="latest", request_timeout_ms=10_000
    )
    client = QueueClient(api, EventCodec(http, registry, dict(target.headers), own), clock, producer)
    async with contextlib.AsyncExitStack() as stack:
        topics = [topic for topic in (api.results, api.dead_letters) if topic]
        try:
            async with asyncio.timeout(CONNECT_S):
                stack.push_async_callback(producer.stop)
                await producer.start()
                stack.push_async_callback(consumer.stop)
                await consumer.start()
                there = {name: consumer.partitions_for_topic(name) for name in [*topics, api.topic]}
                missing = [name for name, partitions in there.items() if not partitions]
                if missing:
                    raise InfraError(f"the broker has no topic {', '.join(missing)}", hint="is the service up?")
                places = [TopicPartition(name, number) for name in topics for number in sorted(there[name] or ())]
                consumer.assign(places)
                await consumer.seek_to_end(*places)
                for place in places:
                    await consumer.position(place)
        except InfraError:
            raise
        except Exception as error:
            raise InfraError(f"the broker at {brokers} does not answer: {type(error).__name__}: {error}") from None
        listening = asyncio.create_task(client._listen(consumer))
        try:
            yield client
        finally:
            listening.cancel()
            await asyncio.wait({listening})


def _text(file: str | None, root: Path) -> str:
    """The schema in `file`. Raises ConfigError where it is no JSON."""
    if file is None:
        return ""
    path = root / file
    try:
        text = path.read_text(encoding="utf-8")
        json.loads(text)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"not a schema: {error}", file=path, hint="event_schema names an .avsc or JSON file"
        ) from None
    return text


def _address(broker: str, target: Target) -> str:
    """host:port of the broker: a service of the target, or an address as it is."""
    if broker in target.services:
        return target.services[broker].url.partition("://")[2]
    if ":" not in broker:
        target.service(broker)  # raises ConfigError, and says which there are
    return broker


def _url(registry: str, target: Target) -> str:
    return registry.rstrip("/") if "://" in registry else target.service(registry).url
