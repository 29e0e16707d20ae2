"""agents.v1.AgentService over a socket, with real workers on a fake Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import fakeredis
import grpc
import pytest
import structlog
from google.protobuf import descriptor_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from reference_agents.api.deps import Parts
from reference_agents.api.readiness import Readiness
from reference_agents.common.clock import RealClock
from reference_agents.common.context import current
from reference_agents.common.metrics import Metrics
from reference_agents.grpc_api import agents_pb2 as pb
from reference_agents.grpc_api.service import SERVICE, GrpcDoor
from reference_agents.grpc_api.steps import Steps
from reference_agents.runner.core import Cancelled, Checkpoint, Progress
from reference_agents.runner.schemas import AgentResult, AgentTask, TaskStatus, ToolCallRecord
from reference_agents.tasks.store import TaskStore
from reference_agents.tasks.worker import Workers

TRACE = "0af7651916cd43dd8448eb211c80319c"


class Scripted:
    """Runs a task by its prompt: "search" asks the model, a tool, and the model; "hang" waits to be cancelled."""

    def __init__(self) -> None:
        self.ran: list[AgentTask] = []
        self.traces: list[str] = []
        self.cancelled = asyncio.Event()
        self.go_on = asyncio.Event()

    async def run(self, task: AgentTask, progress: Progress, checkpoint: Checkpoint) -> AgentResult:
        self.ran.append(task)
        self.traces.append(current().trace_id)
        record = ToolCallRecord(tool="web_search", arguments={"query": "x"}, outcome="ok", duration_ms=2)
        status = TaskStatus.COMPLETED
        try:
            if task.prompt == "search":
                progress.steps = 1
                await checkpoint(progress)
                await self.go_on.wait()
                progress.calls = [record]
                await checkpoint(progress)
                progress.steps = 2
            while task.prompt == "hang":
                await asyncio.sleep(0.01)
                await checkpoint(progress)
        except Cancelled:
            status = TaskStatus.CANCELLED
            self.cancelled.set()
        return AgentResult(
            task_id=task.id,
            status=status,
            output="an answer",
            steps_used=progress.steps,
            tool_calls=progress.calls,
            tokens_used=9,
            model="m",
        )


class Needs:
    """What the agent depends on."""

    ok = True

    async def ready(self) -> Readiness:
        return Readiness(ready=self.ok, checks={})


@dataclass
class Agent:
    """An agent with a gRPC door, and a caller's channel to it."""

    runner: Scripted = field(default_factory=Scripted)
    needs: Needs = field(default_factory=Needs)
    channel: Any = None
    store: Any = None

    def call(self, method: str, request: Any, answer: Any, **more: Any) -> Any:
        encode = type(request).SerializeToString
        return self.channel.unary_unary(f"/{SERVICE}/{method}", encode, answer.FromString)(request, **more)

    def run_task(self, prompt: str, **more: Any) -> Any:
        options = {name: more.pop(name) for name in ("timeout", "metadata") if name in more}
        request = pb.RunTaskRequest(session_id="s", prompt=prompt, **more)
        return self.call("RunTask", request, pb.TaskResult, **options)

    def stream(self, request: pb.StreamStepsRequest) -> Any:
        method = self.channel.unary_stream(
            f"/{SERVICE}/StreamSteps", pb.StreamStepsRequest.SerializeToString, pb.Step.FromString
        )
        return method(request)


@pytest.fixture
async def agent(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Agent]:
    monkeypatch.setattr("reference_agents.grpc_api.service.READY_S", 0.02)
    agent = Agent()
    log = structlog.make_filtering_bound_logger(50)(structlog.PrintLogger(), [], {})
    clock = RealClock()
    agent.store = TaskStore(fakeredis.FakeAsyncRedis(), "search", clock, lease_s=30)
    workers = Workers(agent.store, agent.runner, Metrics("search"), clock, log, "pod", 2, 30)
    llm = SimpleNamespace(states=lambda: {"m": "closed"})
    parts = SimpleNamespace(store=agent.store, workers=workers, llm=llm, dependencies=agent.needs)
    door = GrpcDoor(cast(Parts, parts), "127.0.0.1:0", grace_s=0.5)
    workers.start()
    await door.start()
    agent.channel = grpc.aio.insecure_channel(f"127.0.0.1:{door.port}")
    yield agent
    await agent.channel.close()
    await door.stop()
    agent.runner.go_on.set()
    await workers.drain(1.0)


async def test_run_task_runs_to_the_end_within_the_callers_trace(agent: Agent) -> None:
    sent = (("traceparent", f"00-{TRACE}-b7ad6b7169203331-01"),)
    result = await agent.run_task("hello", metadata=sent, max_steps=3)
    assert (result.status, result.output, result.tokens_used) == (pb.TASK_STATUS_COMPLETED, "an answer", 9)
    assert agent.runner.traces == [TRACE]
    (task,) = agent.runner.ran
    assert (task.max_steps, task.token_budget, task.session_id) == (3, 8192, "s")
    assert (await agent.store.result(result.task_id)).output == "an answer"  # the same task as over HTTP


async def test_the_same_key_is_the_same_task_and_another_request_under_it_is_refused(agent: Agent) -> None:
    one, two = await asyncio.gather(*(agent.run_task("hello", idempotency_key="k") for _ in range(2)))
    assert one.task_id == two.task_id
    assert len(agent.runner.ran) == 1
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await agent.run_task("other", idempotency_key="k")
    assert refused.value.code() is grpc.StatusCode.ALREADY_EXISTS


@pytest.mark.parametrize("wrong", [{"max_steps": 26}, {"token_budget": 511}, {"max_steps": -1}])
async def test_what_is_no_task_is_an_invalid_argument(agent: Agent, wrong: dict[str, int]) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await agent.run_task("hello", **wrong)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert next(iter(wrong)) in (refused.value.details() or "")


async def test_a_deadline_that_passes_cancels_the_task(agent: Agent) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as late:
        await agent.run_task("hang", timeout=0.3)
    assert late.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    await asyncio.wait_for(agent.runner.cancelled.wait(), 10)


async def test_a_caller_that_hangs_up_cancels_the_task_it_began_and_no_other(agent: Agent) -> None:
    mine = agent.run_task("hang", idempotency_key="k")
    while not agent.runner.ran:  # noqa: ASYNC110 - the runner is another's
        await asyncio.sleep(0.01)
    with pytest.raises(grpc.aio.AioRpcError):
        await agent.run_task("hang", idempotency_key="k", timeout=0.3)  # joined, and gave up
    assert not agent.runner.cancelled.is_set()
    mine.cancel()
    await asyncio.wait_for(agent.runner.cancelled.wait(), 10)


async def test_steps_are_told_as_they_happen_and_the_result_last(agent: Agent) -> None:
    stream = aiter(agent.stream(pb.StreamStepsRequest(task=pb.RunTaskRequest(session_id="s", prompt="search"))))
    first = await anext(stream)
    assert first.llm_call.number == 1
    agent.runner.go_on.set()  # not before the first step was told
    rest = [step async for step in stream]
    assert [step.WhichOneof("step") for step in rest] == ["tool_call", "tool_result", "llm_call", "result"]
    assert (rest[1].tool_result.tool, rest[1].tool_result.ok) == ("web_search", True)
    assert rest[-1].result.steps_used == 2
    again = [step async for step in agent.stream(pb.StreamStepsRequest(task_id=first.task_id))]
    assert [step.WhichOneof("step") for step in again] == [
        "llm_call", "tool_call", "tool_result", "llm_call", "result",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (pb.StreamStepsRequest(task_id="nobody"), grpc.StatusCode.NOT_FOUND),
        (pb.StreamStepsRequest(), grpc.StatusCode.INVALID_ARGUMENT),
    ],
)
async def test_a_stream_of_nothing_is_refused(agent: Agent, request_: Any, code: grpc.StatusCode) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await agent.stream(request_).read()
    assert refused.value.code() is code


async def test_health_ours_and_the_standard_one_which_follows_readiness(agent: Agent) -> None:
    ours = await agent.call("Health", pb.HealthRequest(), pb.HealthResponse)
    assert (ours.status, dict(ours.llm)) == ("ok", {"m": "closed"})
    stub = health_pb2_grpc.HealthStub(agent.channel)
    watch = stub.Watch(health_pb2.HealthCheckRequest(service=SERVICE))
    serving = health_pb2.HealthCheckResponse
    while (await watch.read()).status != serving.SERVING:
        pass
    agent.needs.ok = False
    assert (await watch.read()).status == serving.NOT_SERVING
    watch.cancel()


async def test_reflection_describes_the_service(agent: Agent) -> None:
    stub = reflection_pb2_grpc.ServerReflectionStub(agent.channel)

    async def asked() -> AsyncIterator[Any]:
        yield reflection_pb2.ServerReflectionRequest(list_services="")
        yield reflection_pb2.ServerReflectionRequest(file_containing_symbol=SERVICE)

    listed, described = [answer async for answer in stub.ServerReflectionInfo(asked())]
    assert SERVICE in {service.name for service in listed.list_services_response.service}
    file = descriptor_pb2.FileDescriptorProto.FromString(described.file_descriptor_response.file_descriptor_proto[0])
    assert {method.name for method in file.service[0].method} == {"RunTask", "StreamSteps", "Health"}


def test_a_look_that_shows_everything_at_once_tells_it_in_an_order_that_can_be() -> None:
    calls = [ToolCallRecord(tool=name, arguments={}, outcome="ok") for name in ("a", "b")]
    result = AgentResult(task_id="t", status=TaskStatus.COMPLETED, steps_used=3, tool_calls=calls)
    kinds = [step.WhichOneof("step") for step in Steps("t").since(result)]
    assert kinds == ["llm_call", *["tool_call", "tool_result"] * 2, "llm_call", "llm_call", "result"]
