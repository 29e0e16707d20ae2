"""agents.v1.AgentService over an agent's parts, with the standard health and reflection services beside it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from redis.exceptions import RedisError

from reference_agents.api.deps import Parts
from reference_agents.common import spans
from reference_agents.common.context import CURRENT, of_headers
from reference_agents.common.ending import end
from reference_agents.grpc_api import agents_pb2 as pb
from reference_agents.grpc_api.steps import Steps
from reference_agents.grpc_api.wire import Invalid, result_of, task_of
from reference_agents.runner.schemas import TERMINAL, AgentResult
from reference_agents.tasks.store import KeyReused

SERVICE = "agents.v1.AgentService"
POLL_S = 0.1
READY_S = 2.0  # between two looks at what the health service says
MOST_BYTES = 1 << 20  # of a request, as over HTTP


@dataclass
class AgentService:
    """The three methods. Errors are statuses: INVALID_ARGUMENT, ALREADY_EXISTS, NOT_FOUND, UNAVAILABLE."""

    parts: Parts

    async def run_task(self, request: pb.RunTaskRequest, context: Any) -> pb.TaskResult:
        """Run the task and answer with its result; a task that fails is an answer, not an error."""
        with _called("RunTask", context):
            return await self._run_task(request, context)

    async def _run_task(self, request: pb.RunTaskRequest, context: Any) -> pb.TaskResult:
        task_id, mine = await self._accept(request, context)
        try:
            while (result := await self._look(task_id, context)).status not in TERMINAL:
                await self.parts.workers.endings.wait(task_id, POLL_S)
        except asyncio.CancelledError:
            await self._hung_up(task_id, mine)
            raise
        return result_of(result)

    async def stream_steps(self, request: pb.StreamStepsRequest, context: Any) -> AsyncIterator[pb.Step]:
        """Each step of a task as it happens, then its result."""
        with _called("StreamSteps", context):
            async for step in self._steps(request, context):
                yield step

    async def _steps(self, request: pb.StreamStepsRequest, context: Any) -> AsyncIterator[pb.Step]:
        what = request.WhichOneof("what")
        if what is None:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "name a task or a task_id")
        task_id, mine = request.task_id, False
        if what == "task":
            task_id, mine = await self._accept(request.task, context)
        steps = Steps(task_id)
        try:
            while True:
                result = await self._look(task_id, context)
                for step in steps.since(result):
                    yield step
                if result.status in TERMINAL:
                    return
                await self.parts.workers.endings.wait(task_id, POLL_S)
        except asyncio.CancelledError:
            await self._hung_up(task_id, mine)
            raise

    async def health(self, request: pb.HealthRequest, context: Any) -> pb.HealthResponse:
        """The process answers; the models' circuits are reported, and none of them is a reason to restart."""
        return pb.HealthResponse(status="ok", llm=self.parts.llm.states())

    def handlers(self) -> grpc.GenericRpcHandler:
        """The methods by name; by hand, because a generated module's imports fit no package but its own."""
        return grpc.method_handlers_generic_handler(
            SERVICE,
            {
                "RunTask": grpc.unary_unary_rpc_method_handler(
                    self.run_task, pb.RunTaskRequest.FromString, pb.TaskResult.SerializeToString
                ),
                "StreamSteps": grpc.unary_stream_rpc_method_handler(
                    self.stream_steps, pb.StreamStepsRequest.FromString, pb.Step.SerializeToString
                ),
                "Health": grpc.unary_unary_rpc_method_handler(
                    self.health, pb.HealthRequest.FromString, pb.HealthResponse.SerializeToString
                ),
            },
        )

    async def _accept(self, request: pb.RunTaskRequest, context: Any) -> tuple[str, bool]:
        """The task's id, and whether this call began it."""
        try:
            found = await self.parts.store.submit(task_of(request), request.idempotency_key or None)
        except Invalid as error:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        except KeyReused:
            await context.abort(grpc.StatusCode.ALREADY_EXISTS, "this idempotency_key was used for another request")
        except RedisError:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "tasks cannot be kept at present")
        self.parts.workers.kick()
        return found

    async def _look(self, task_id: str, context: Any) -> AgentResult:
        if context.cancelled():
            raise asyncio.CancelledError  # a client of Redis may have lost the one that was raised here
        try:
            found = await self.parts.store.result(task_id)
        except RedisError:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "tasks cannot be read at present")
        if found is None:
            await context.abort(grpc.StatusCode.NOT_FOUND, "there is no such task")
        assert found is not None
        return found

    async def _hung_up(self, task_id: str, mine: bool) -> None:
        """The caller hung up or the deadline passed: nobody waits any more for a task that this call began."""
        if not mine:
            return
        try:
            await asyncio.shield(self.parts.store.cancel(task_id))
        except RedisError as error:
            self.parts.workers.log.warning("a task goes on unasked", task_id=task_id, error=type(error).__name__)


def _called(method: str, context: Any) -> contextlib.AbstractContextManager[spans.Span]:
    """The call's span, in the caller's trace."""
    sent = {name: value for name, value in context.invocation_metadata() or () if isinstance(value, str)}
    CURRENT.set(of_headers(sent))
    return spans.span(f"{SERVICE}/{method}", "server", rpc__system="grpc", rpc__service=SERVICE, rpc__method=method)


@dataclass
class GrpcDoor:
    """The server of one agent, from `start` to `stop`."""

    parts: Parts
    address: str
    grace_s: float = 5.0
    interceptors: Sequence[grpc.aio.ServerInterceptor] = ()  # the guard, where callers are asked who they are
    port: int = 0
    _server: Any = None
    _health: Any = None
    _watch: asyncio.Task[None] | None = field(default=None)

    async def start(self) -> None:
        """Listen. Raises RuntimeError where the address is taken."""
        options = [("grpc.max_receive_message_length", MOST_BYTES), ("grpc.so_reuseport", 0)]
        server = grpc.aio.server(interceptors=list(self.interceptors), options=options)
        server.add_generic_rpc_handlers((AgentService(self.parts).handlers(),))
        self._health = health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        reflection.enable_server_reflection((SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME), server)
        self.port = server.add_insecure_port(self.address)
        await server.start()
        self._server = server
        self._watch = asyncio.create_task(self._tell_health())

    async def stop(self) -> None:
        """Take nothing new, and give what is under way `grace_s` seconds."""
        if self._watch is not None:
            await end(self._watch)
        if self._server is not None:
            await self._health.enter_graceful_shutdown()
            await self._server.stop(self.grace_s)

    async def _tell_health(self) -> None:
        """Keep the standard health service to what /ready says."""
        status = health_pb2.HealthCheckResponse
        while True:
            ready = (await self.parts.dependencies.ready()).ready
            for name in ("", SERVICE):
                await self._health.set(name, status.SERVING if ready else status.NOT_SERVING)
            await asyncio.sleep(READY_S)
