"""The `kafka` image without a container: told by its own environment, on the pod's own port."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from harness.cluster.runtime import kafka
from harness.cluster.runtime.images import command_of
from harness.cluster.runtime.rewrite import Rewriter
from harness.core.config import Image

IMAGE = {"apache/kafka": Image(builtin="kafka")}


def test_the_listener_is_the_pods_own_port_and_the_advertised_one_its_edge() -> None:
    rewriter = Rewriter({"kafka": [9092]}, {9092: 41000}, {}, lambda service, port: 42000, "windtunnel")
    env = {
        "KAFKA_LISTENERS": rewriter.value("PLAINTEXT://:9092,CONTROLLER://:9093"),
        "KAFKA_ADVERTISED_LISTENERS": rewriter.value("PLAINTEXT://kafka:9092"),
    }
    listener, advertised = "tcp://127.0.0.1:41000", "tcp://127.0.0.1:42000"
    assert kafka.arguments(env) == ["broker", "--listener-url", listener, "--advertised-listener-url", advertised]


def test_the_controllers_listener_is_not_taken_for_the_brokers() -> None:
    found = kafka.arguments({"KAFKA_LISTENERS": "CONTROLLER://:9093,PLAINTEXT://0.0.0.0:9092"})
    assert found == [
        "broker", "--listener-url", "tcp://127.0.0.1:9092", "--advertised-listener-url", "tcp://127.0.0.1:9092",
    ]  # fmt: skip


@pytest.mark.parametrize("listeners", ["", "CONTROLLER://:9093", "PLAINTEXT://"])
def test_an_environment_that_names_no_listener_is_a_mistake(listeners: str) -> None:
    with pytest.raises(ValueError, match="KAFKA_LISTENERS"):
        kafka.arguments({"KAFKA_LISTENERS": listeners})


async def test_a_client_finds_the_broker_where_it_says_it_is() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = command_of("apache/kafka:3.9.1", IMAGE, "windtunnel.toml")
    assert command[0] == sys.executable
    env = {**os.environ, "KAFKA_LISTENERS": f"PLAINTEXT://:{port}"}
    running = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: ASYNC220
    try:
        async with asyncio.timeout(30):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                    break
                except OSError:
                    await asyncio.sleep(0.02)
        writer.close()
        await writer.wait_closed()
        admin = AIOKafkaAdminClient(bootstrap_servers=f"127.0.0.1:{port}")
        await admin.start()
        try:
            assert [row["port"] for row in (await admin.describe_cluster())["brokers"]] == [port]
        finally:
            await admin.close()
    finally:
        running.terminate()
        running.wait(10)
