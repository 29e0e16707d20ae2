"""A2A's requests over the orchestrator's store: nothing of a task is in the process, so any replica can answer."""

from __future__ import annotations

import uuid
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any, NoReturn

from a2a.server.context import ServerCallContext
from a2a.server.events.event_queue import Event
from a2a.server.request_handlers.request_handler import RequestHandler, validate_request_params
from a2a.types import a2a_pb2 as a2a
from a2a.utils.errors import (
    ExtendedAgentCardNotConfiguredError,
    InternalError,
    InvalidParamsError,
    PushNotificationNotSupportedError,
    TaskNotCancelableError,
    TaskNotFoundError,
    UnsupportedOperationError,
)
from pydantic import ValidationError
from redis.exceptions import RedisError

from reference_agents.a2a.words import artifacts_of, status_of, task_of
from reference_agents.a2a.words import text_of as words_of
from reference_agents.common.clock import Clock
from reference_agents.common.context import current
from reference_agents.orchestrator.schemas import (
    TERMINAL,
    Answer,
    OrchestrationRequest,
    OrchestrationResult,
    OrchestrationStatus,
)
from reference_agents.orchestrator.store import NotAsked, OrchestrationStore
from reference_agents.orchestrator.submission import task_of as accepted
from reference_agents.runner.schemas import AgentTask
from reference_agents.tasks.store import KeyReused
from reference_agents.tasks.worker import Workers

POLL_S = 0.1
CANCEL_S = 3.0  # how long a cancel waits for the end it asked for
SETTLED = TERMINAL | {OrchestrationStatus.INPUT_REQUIRED}


@dataclass
class OrchestratorA2A(RequestHandler):
    """Send, stream, get, cancel, subscribe. A message's id is its task's idempotency key, its context the session."""

    store: OrchestrationStore
    workers: Workers
    clock: Clock
    deadline_s: float

    @validate_request_params
    async def on_message_send(self, params: a2a.SendMessageRequest, context: ServerCallContext) -> a2a.Task:
        """Begin a task or answer its question, and wait until it is over or asks, unless told to return at once."""
        task_id = await self._take(params.message)
        history = _length(params.configuration)
        until = self.clock.monotonic() + self.deadline_s
        while True:
            task, result = await self._look(task_id)
            waited = params.configuration.return_immediately or self.clock.monotonic() >= until
            if waited or result.status in SETTLED:
                return task_of(task, result, history)
            await self.workers.endings.wait(task_id, POLL_S)

    @validate_request_params
    async def on_message_send_stream(
        self, params: a2a.SendMessageRequest, context: ServerCallContext
    ) -> AsyncGenerator[Event]:
        """The task, then each change of it, until it is over or asks."""
        task_id = await self._take(params.message)
        async for event in self._events(task_id, _length(params.configuration)):
            yield event

    async def on_subscribe_to_task(
        self, params: a2a.SubscribeToTaskRequest, context: ServerCallContext
    ) -> AsyncGenerator[Event]:
        """The same for a task that is under way. Raises UnsupportedOperationError for one that is over."""
        _, result = await self._look(params.id)
        if result.status in TERMINAL:
            raise UnsupportedOperationError(f"task {params.id} is over: ask for it with GetTask")
        async for event in self._events(params.id, None):
            yield event

    async def on_get_task(self, params: a2a.GetTaskRequest, context: ServerCallContext) -> a2a.Task:
        """A task as of now. Raises TaskNotFoundError."""
        return task_of(*await self._look(params.id), _length(params))

    async def on_cancel_task(self, params: a2a.CancelTaskRequest, context: ServerCallContext) -> a2a.Task:
        """Ask for the end of a task. Raises TaskNotFoundError, TaskNotCancelableError."""
        _, result = await self._look(params.id)
        if result.status in TERMINAL:
            raise TaskNotCancelableError(f"task {params.id} is {result.status}")
        try:
            await self.store.cancel(params.id)
        except RedisError:
            raise InternalError("tasks cannot be kept at present") from None
        until = self.clock.monotonic() + CANCEL_S
        while True:
            task, result = await self._look(params.id)
            if result.status in TERMINAL or self.clock.monotonic() >= until:
                return task_of(task, result, None)
            await self.workers.endings.wait(params.id, POLL_S)

    async def _take(self, message: a2a.Message) -> str:
        """The id of the task that the message begins or answers."""
        text = words_of(message)
        if not text:
            raise InvalidParamsError("the message has no text")
        try:
            if message.task_id:
                return await self._answer(message, text)
            request = OrchestrationRequest(session_id=message.context_id or str(uuid.uuid4()), prompt=text)
            task_id, _ = await self.store.submit(accepted(request, current()), f"a2a:{message.message_id}")
        except ValidationError as error:
            row = error.errors()[0]
            raise InvalidParamsError(f"{'.'.join(map(str, row['loc']))}: {row['msg']}") from None
        except KeyReused:
            raise InvalidParamsError("this message_id was used for another message") from None
        except RedisError:
            raise InternalError("tasks cannot be kept at present") from None
        self.workers.kick()
        return task_id

    async def _answer(self, message: a2a.Message, text: str) -> str:
        """Answer the question that `metadata.node` names, or the first that is open."""
        task, result = await self._look(message.task_id)
        if message.context_id and message.context_id != task.session_id:
            raise InvalidParamsError("the task belongs to another context")
        if not result.questions:
            raise UnsupportedOperationError(f"task {task.id} is {result.status} and asks nothing")
        fields = message.metadata.fields
        node = fields["node"].string_value if "node" in fields else result.questions[0].node
        try:
            if not await self.store.answer(task.id, Answer(node=node, text=text)):
                raise InvalidParamsError(f"question {node!r} has another answer already")
        except NotAsked:
            raise InvalidParamsError(f"the task does not ask {node!r}") from None
        self.workers.kick()
        return task.id

    async def _look(self, task_id: str) -> tuple[AgentTask, OrchestrationResult]:
        try:
            task = await self.store.request(task_id)
            result = await self.store.orchestration(task_id)
        except RedisError:
            raise InternalError("tasks cannot be read at present") from None
        if task is None or result is None:
            raise TaskNotFoundError(f"there is no task {task_id}")
        return task, result

    async def _events(self, task_id: str, history: int | None) -> AsyncGenerator[Event]:
        task, result = await self._look(task_id)
        yield task_of(task, result, history)
        told = status_of(task, result)
        while result.status not in SETTLED:
            await self.workers.endings.wait(task_id, POLL_S)
            task, result = await self._look(task_id)
            status = status_of(task, result)
            if status == told:
                continue
            told = status
            for artifact in artifacts_of(result):
                yield a2a.TaskArtifactUpdateEvent(
                    task_id=task_id, context_id=task.session_id, artifact=artifact, last_chunk=True
                )
            yield a2a.TaskStatusUpdateEvent(task_id=task_id, context_id=task.session_id, status=status)

    async def on_list_tasks(self, params: Any, context: ServerCallContext) -> NoReturn:
        """Not offered: a task is known by its id alone, to those who have it."""
        raise UnsupportedOperationError("tasks are not listed")

    async def on_create_task_push_notification_config(self, params: Any, context: ServerCallContext) -> NoReturn:
        """Not offered."""
        raise PushNotificationNotSupportedError()

    async def on_get_task_push_notification_config(self, params: Any, context: ServerCallContext) -> NoReturn:
        """Not offered."""
        raise PushNotificationNotSupportedError()

    async def on_list_task_push_notification_configs(self, params: Any, context: ServerCallContext) -> NoReturn:
        """Not offered."""
        raise PushNotificationNotSupportedError()

    async def on_delete_task_push_notification_config(self, params: Any, context: ServerCallContext) -> NoReturn:
        """Not offered."""
        raise PushNotificationNotSupportedError()

    async def on_get_extended_agent_card(self, params: Any, context: ServerCallContext) -> NoReturn:
        """Not offered: the card at its well-known place is all there is."""
        raise ExtendedAgentCardNotConfiguredError()


def _length(told: a2a.SendMessageConfiguration | a2a.GetTaskRequest) -> int | None:
    """The history that is asked for; None where nothing is said."""
    return told.history_length if told.HasField("history_length") else None
