"""What the flaws of an agent's Kafka door do."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import fakeredis
import structlog

from reference_agents.flaws import with_flaw
from reference_agents.llm.messages import ToolCall
from reference_agents.queue.consumer import Consumer, Later, Poison
from reference_agents.queue.door import TaskDoor
from reference_agents.queue.messages import Received
from reference_agents.runner.schemas import AgentResult, AgentTask, TaskStatus

AGENTS = '[{"name": "search", "url": "http://agent"}]'
CALL = ToolCall(id="c", name="web_search", arguments={"query": "x"})


def consumer(name: str, handle: Any, sent: list[Any]) -> Consumer:
    class Sender:
        async def send(self, message: Any) -> None:
            sent.append(message)

    made = Consumer(
        "broker:9092", "group", ["tasks"], handle, fakeredis.FakeAsyncRedis(), Sender(), lambda topic: f"{topic}.dlq",
        structlog.get_logger(),
    )  # fmt: skip
    return with_flaw(made, name, "apply_queue")


async def poison(message: Received) -> None:
    raise Poison("no event")


async def committed(name: str) -> list[str]:
    """What was done first, the work or its commit."""
    order: list[str] = []

    async def handle(message: Received) -> None:
        order.append("work")

    class Client:
        async def commit(self, offsets: Any) -> None:
            order.append("commit")

    row = SimpleNamespace(headers=(), topic="tasks", key=b"", value=b"", partition=0, offset=7, timestamp=0)
    await consumer(name, handle, [])._partition(Client(), 0, [row])
    return order


async def put_aside(name: str) -> int:
    """Dead letters of a message that nobody can take."""
    sent: list[Any] = []
    await consumer(name, poison, sent)._attempt(Received("tasks", b"", b""), "counter")
    return len(sent)


async def held_up(name: str) -> bool:
    """Whether such a message is tried again and again."""
    try:
        return not await consumer(name, poison, [])._attempt(Received("tasks", b"", b""), "counter")
    except Later:
        return True


async def delivered_twice(name: str) -> int:
    """The tasks of one event that came twice."""
    ids: set[str] = set()

    class Store:
        async def submit(self, task: AgentTask, key: str) -> tuple[str, bool]:
            ids.add(task.id)
            return task.id, True

        async def result(self, task_id: str) -> AgentResult:
            return AgentResult(task_id=task_id, status=TaskStatus.COMPLETED)

    workers: Any = SimpleNamespace(kick=lambda: None)
    store: Any = Store()
    door: Any = consumer(name, TaskDoor("search", store, workers, None, None, None), []).handle  # type: ignore[arg-type]
    for _ in range(2):
        await door._result(AgentTask(id="one", session_id="s", prompt="p"))
    return len(ids)
