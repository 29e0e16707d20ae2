import asyncio
import json
from collections.abc import Callable

import httpx
import pytest

from harness.core.clock import RealClock
from harness.core.config import Service, TasksApi
from harness.core.errors import ConfigError
from harness.core.events import Operation
from harness.core.history import calls
from harness.evidence.recorder import MemoryRecorder
from harness.targets.target import LiveService
from harness.targets.tasks import TaskClient

Handler = Callable[[httpx.Request], httpx.Response]


def client(handler: Handler, api: TasksApi | None = None) -> tuple[TaskClient, MemoryRecorder]:
    recorder = MemoryRecorder(clock=RealClock())
    service = LiveService("agent", "http://agent", Service(tasks=api or TasksApi()))
    http = httpx.AsyncClient(transport=httpx.MockTransport(handler))
    return TaskClient(service, http=http, recorder=recorder, clock=RealClock(), suite="test"), recorder


async def test_a_task_is_submitted_with_its_key_and_followed_to_its_end() -> None:
    answers = iter(["running", "completed"])

    def handler(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            assert request.headers["Idempotency-Key"] == "k1"
            assert json.loads(request.content) == {"prompt": "hello {x}", "session_id": "s1"}
            return httpx.Response(202, json={"task_id": "t1", "status": "pending"})
        return httpx.Response(200, json={"task_id": "t1", "status": next(answers), "output": "done"})

    tasks, recorder = client(handler)
    reply = await tasks.submit("hello {x}", key="k1", session="s1")
    assert (reply.ok, reply.task_id, reply.status) == (True, "t1", "pending")
    last = await tasks.wait("t1", timeout_s=5, first_s=0.001)
    assert last.status == "completed"
    history = calls(recorder.events)
    assert [(call.sent.kind, call.outcome) for call in history] == [
        ("submit", "ok"),
        ("status", "ok"),
        ("status", "ok"),
    ]
    assert history[0].sent.key == "k1"
    assert history[0].answer is not None
    assert history[0].answer.key == "t1"


async def test_what_a_task_asks_is_seen_and_answered() -> None:
    stood = iter(
        [("running", []), ("input_required", [{"node": "q1"}, {"node": "q2"}]), ("completed", [{"node": "q1"}])]
    )

    def handler(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            assert request.url.path == "/tasks/t1/input"
            assert json.loads(request.content) == {"node": "q1", "text": "the blue one"}
            return httpx.Response(200, json={"task_id": "t1", "status": "running"})
        status, questions = next(stood)
        return httpx.Response(200, json={"task_id": "t1", "status": status, "questions": questions})

    tasks, recorder = client(handler, TasksApi(answer="POST /tasks/{id}/input"))
    asking = await tasks.wait("t1", timeout_s=5, first_s=0.001, asked=True)
    assert tasks.questions(asking) == ["q1", "q2"]
    assert (await tasks.answer("t1", "q1", "the blue one")).ok
    assert tasks.questions(await tasks.wait("t1", timeout_s=5, first_s=0.001, asked=True)) == []
    assert [call.sent.kind for call in calls(recorder.events)] == ["status", "status", "answer", "status"]


@pytest.mark.parametrize(
    ("error", "step"),
    [
        (httpx.ConnectError("refused"), "fail"),
        (httpx.ReadTimeout("slow"), "info"),
        (httpx.RemoteProtocolError("torn"), "info"),
    ],
)
async def test_only_a_connection_never_made_is_a_definite_failure(error: httpx.HTTPError, step: str) -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        raise error

    tasks, recorder = client(handler)
    reply = await tasks.submit("x", key="k", session="s")
    assert reply.step == step
    assert reply.error == type(error).__name__
    assert calls(recorder.events)[0].outcome == step


@pytest.mark.parametrize(("code", "step"), [(422, "fail"), (429, "fail"), (500, "info"), (504, "info")])
async def test_a_refusal_is_definite_and_a_server_error_is_not(code: int, step: str) -> None:
    tasks, _ = client(lambda request: httpx.Response(code, json={}))
    assert (await tasks.run("x", key="k", session="s")).step == step


async def test_a_cancelled_call_leaves_an_info_in_the_history() -> None:
    async def slow(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(30)
        raise AssertionError("not reached")

    recorder = MemoryRecorder(clock=RealClock())
    service = LiveService("agent", "http://agent", Service(tasks=TasksApi()))
    http = httpx.AsyncClient(transport=httpx.MockTransport(slow))
    tasks = TaskClient(service, http=http, recorder=recorder, clock=RealClock(), suite="test")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(tasks.run("x", key="k", session="s"), 0.05)
    last = recorder.events[-1].body
    assert isinstance(last, Operation)
    assert (last.step, last.error) == ("info", "Cancelled")


async def test_an_own_shape_of_api_is_followed() -> None:
    api = TasksApi(
        submit="PUT /jobs",
        status="GET /jobs/{id}/state",
        body={"input": {"text": "{prompt}"}},
        id_field="job.id",
        status_field="job.state",
        succeeded=("DONE",),
        idempotency_header=None,
    )

    def handler(request: httpx.Request) -> httpx.Response:
        if request.method == "PUT":
            assert json.loads(request.content) == {"input": {"text": "hi"}}
            assert "Idempotency-Key" not in request.headers
            return httpx.Response(201, json={"job": {"id": 7, "state": "NEW"}})
        assert request.url.path == "/jobs/7/state"
        return httpx.Response(200, json={"job": {"id": 7, "state": "DONE"}})

    tasks, _ = client(handler, api)
    reply = await tasks.submit("hi", key="k", session="s")
    assert tasks.is_over(await tasks.wait(reply.task_id, timeout_s=5))


def test_a_service_without_tasks_is_a_mistake_in_the_configuration() -> None:
    with pytest.raises(ConfigError, match="takes no tasks"):
        TaskClient(
            LiveService("llm", "http://llm", Service(role="llm")),
            http=httpx.AsyncClient(),
            recorder=MemoryRecorder(clock=RealClock()),
            clock=RealClock(),
            suite="test",
        )
