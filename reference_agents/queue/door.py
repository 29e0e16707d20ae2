"""An agent's door for tasks that come over Kafka: the same tasks as over HTTP, in the same store."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from reference_agents.common.clock import Clock
from reference_agents.common.context import current
from reference_agents.queue.codec import EventCodec, Format, RegistryAway, Undecodable
from reference_agents.queue.consumer import Later, Poison
from reference_agents.queue.events import AgentResultEvent, AgentTaskEvent, at, results_topic
from reference_agents.queue.messages import Message, Received
from reference_agents.queue.outbox import Outbox
from reference_agents.runner.schemas import TERMINAL, AgentResult, AgentTask
from reference_agents.tasks.store import KeyReused, TaskStore
from reference_agents.tasks.worker import Workers

POLL_S = 0.25
PROMPT_LIMIT = 32_768
BUDGET = "token-budget"
"""The header that may bound a task's tokens; the event itself says nothing of it."""
_EVENTS = uuid.UUID("6f0b6a3e-6f2c-4a63-9c2f-5d8b7a1f0e11")


def task_id_of(event: AgentTaskEvent) -> str:
    """The id that an event's task has at its agent: always the same, and no other source's."""
    return str(uuid.uuid5(_EVENTS, f"{event.source_agent}/{event.target_agent}/{event.task_id}"))


@dataclass
class TaskDoor:
    """Handles task events for one agent."""

    agent: str
    store: TaskStore
    workers: Workers
    codec: EventCodec
    outbox: Outbox
    clock: Clock
    reply_as: Format = "AVRO"

    async def __call__(self, message: Received) -> None:
        """Have the task done and put its result into the outbox. A task that fails is a result, not poison.

        The same event again joins the task that is there. Raises Poison for what is no event, or not for this
        agent; Later while the schema registry is away.
        """
        try:
            event = await self.codec.decode(message.value, AgentTaskEvent)
        except Undecodable as error:
            raise Poison(f"not an AgentTaskEvent: {error}") from None
        except RegistryAway as error:
            raise Later(f"the schema registry is away: {error}") from None
        if event.target_agent != self.agent:
            raise Poison(f"the event is for another agent: {event.target_agent}")
        try:
            result = await self._result(_task(event, message.headers))
        except KeyReused:
            raise Poison("the task_id was used for another task") from None
        try:
            reply = await self.reply(event, result)
        except RegistryAway as error:
            raise Later(f"the schema registry is away: {error}") from None
        await self.outbox.add_once(f"result:{result.task_id}", reply)

    async def _result(self, task: AgentTask) -> AgentResult:
        task_id, _ = await self.store.submit(task, f"event:{task.id}")
        self.workers.kick()
        while True:
            result = await self.store.result(task_id)
            if result is None:
                raise Later("the task is gone")  # its day is over, or Redis was emptied: it begins anew
            if result.status in TERMINAL:
                return result
            await self.workers.endings.wait(task_id, POLL_S)

    async def reply(self, event: AgentTaskEvent, result: AgentResult) -> Message:
        """The result as a message on this agent's results topic."""
        answer = AgentResultEvent.model_validate(
            {
                "task_id": event.task_id,
                "source_agent": self.agent,
                "target_agent": event.source_agent,
                "session_id": event.session_id,
                "status": str(result.status),
                "output": result.output,
                "error": result.error,
                "steps_used": result.steps_used,
                "tokens_used": result.tokens_used,
                "created_at": at(self.clock.epoch()),
            }
        )
        value = await self.codec.encode(answer, self.reply_as)
        return Message(results_topic(self.agent), event.session_id.encode(), value, current().headers())


def _task(event: AgentTaskEvent, headers: Mapping[str, str]) -> AgentTask:
    trace = current()
    try:
        return AgentTask.model_validate(
            {
                "id": task_id_of(event),
                "session_id": event.session_id,
                "prompt": _with_context(event.prompt, event.context),
                "metadata": {"source_agent": event.source_agent},
                "trace_id": trace.trace_id,
                "span_id": trace.span_id,
                "baggage": trace.baggage,
                **({"token_budget": headers[BUDGET]} if BUDGET in headers else {}),
            }
        )
    except ValidationError as error:
        raise Poison(f"not a task: {error.errors()[0]['msg']}") from None


def _with_context(prompt: str, context: Mapping[str, str]) -> str:
    """The prompt with what the source sent beside it, as far as an agent takes it."""
    parts = [f'<context name="{name}">\n{text}\n</context>' for name, text in sorted(context.items())]
    return "\n\n".join([prompt, *parts])[:PROMPT_LIMIT]
