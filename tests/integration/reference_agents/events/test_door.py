"""Events become tasks, and what came of them events."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from redis.asyncio import Redis

from reference_agents.common.clock import RealClock
from reference_agents.queue.codec import EventCodec, Format
from reference_agents.queue.door import TaskDoor, task_id_of
from reference_agents.queue.events import (
    AgentResultEvent,
    AgentTaskEvent,
    at,
    dead_letter_topic,
    results_topic,
)
from reference_agents.queue.outbox import Outbox, Relay
from reference_agents.queue.producer import KafkaSender
from reference_agents.runner.schemas import AgentResult, TaskStatus
from reference_agents.tasks.endings import Endings
from reference_agents.tasks.store import TaskStore
from tests.integration.reference_agents.events.bench import LOG, TRACE, Broker, consumer, running


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
