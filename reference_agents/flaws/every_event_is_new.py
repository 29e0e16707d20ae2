"""The event's id is no idempotency key: each delivery of one event is a task of its own."""

from __future__ import annotations

import uuid

from reference_agents.flaws.replacing import as_kind
from reference_agents.queue.consumer import Consumer
from reference_agents.queue.door import TaskDoor
from reference_agents.runner.schemas import AgentResult, AgentTask


class _Forgetful(TaskDoor):
    async def _result(self, task: AgentTask) -> AgentResult:
        return await super()._result(task.model_copy(update={"id": str(uuid.uuid4())}))


def apply_queue(consumer: Consumer) -> Consumer:
    """Replace the handler."""
    consumer.handle = as_kind(_Forgetful, consumer.handle)
    return consumer
