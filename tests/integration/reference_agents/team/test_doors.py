"""The agent's other doors: gRPC and Kafka lead to the same tasks as HTTP."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import httpx
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from reference_agents.grpc_api import agents_pb2 as pb
from reference_agents.queue.codec import EventCodec, HttpSchemas
from reference_agents.queue.events import AgentResultEvent, AgentTaskEvent, at, results_topic, tasks_topic


async def test_a_task_over_grpc_is_a_task_over_http(team: Any) -> None:
    headers = team.script({"answer": "found over gRPC"})
    async with grpc.aio.insecure_channel(team.grpc) as channel:
        call = channel.unary_unary(
            "/agents.v1.AgentService/RunTask", pb.RunTaskRequest.SerializeToString, pb.TaskResult.FromString
        )
        result = await call(
            pb.RunTaskRequest(session_id="g1", prompt="find it"), metadata=tuple(headers.items()), timeout=20
        )
    assert (result.status, result.output) == (pb.TASK_STATUS_COMPLETED, "found over gRPC")
    async with httpx.AsyncClient() as http:
        assert (await http.get(f"{team.agent}/tasks/{result.task_id}")).json()["output"] == "found over gRPC"
    (row,) = team.journal(headers)
    assert row["trace_id"] == headers["traceparent"][3:35]


async def test_a_task_over_kafka_is_answered_over_kafka(team: Any) -> None:
    headers = team.script({"answer": "found over Kafka"})
    event = AgentTaskEvent(
        task_id="k1", source_agent="test", target_agent="search", session_id="k", prompt="find it", created_at=at(0)
    )
    producer: Any = AIOKafkaProducer(bootstrap_servers=team.brokers, acks="all")
    consumer: Any = AIOKafkaConsumer(
        results_topic("search"), bootstrap_servers=team.brokers, auto_offset_reset="earliest"
    )
    async with httpx.AsyncClient() as http, asyncio.timeout(40):
        codec = EventCodec(HttpSchemas(http, team.schemas))
        sent = [(name, value.encode()) for name, value in headers.items()]
        await producer.start()
        await consumer.start()
        try:
            for _ in range(2):
                await producer.send_and_wait(tasks_topic("search"), await codec.encode(event), key=b"k", headers=sent)
            row = await consumer.getone()
        finally:
            await producer.stop()
            await consumer.stop()
        answer = await codec.decode(row.value, AgentResultEvent)
    assert (answer.task_id, answer.status, answer.output) == ("k1", "completed", "found over Kafka")
    assert len(team.journal(headers)) == 1  # the event came twice, the task is one
