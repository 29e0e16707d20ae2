"""The orchestrator as an A2A agent, to the SDK's own client over both of its HTTP bindings."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from a2a.client import ClientConfig, create_client
from a2a.types import a2a_pb2 as a2a
from a2a.utils.errors import A2AError, TaskNotCancelableError, TaskNotFoundError, UnsupportedOperationError

State = a2a.TaskState
BINDINGS = ["JSONRPC", "HTTP+JSON"]


@contextlib.asynccontextmanager
async def caller(team: Any, binding: str, headers: dict[str, str], *, streaming: bool = True) -> AsyncIterator[Any]:
    """A client that found the orchestrator by its card."""
    async with httpx.AsyncClient(headers=headers, timeout=20) as http:
        config = ClientConfig(streaming=streaming, httpx_client=http, supported_protocol_bindings=[binding])
        client = await create_client(team.orchestrators[0], config)
        try:
            yield client
        finally:
            await client.close()


def message(text: str, **more: Any) -> a2a.SendMessageRequest:
    said = {"message_id": str(uuid.uuid4()), "role": a2a.Role.ROLE_USER, "parts": [a2a.Part(text=text)], **more}
    return a2a.SendMessageRequest(message=a2a.Message(**said))


@pytest.mark.parametrize("binding", BINDINGS)
async def test_a_message_becomes_a_task_and_its_answer_an_artifact(team: Any, binding: str) -> None:
    headers = team.script(team.plan(("a", "search", "")), {"answer": "found it"})
    async with caller(team, binding, headers, streaming=False) as client:
        sent = message("find it", context_id="context-1")
        (answer,) = [answer async for answer in client.send_message(sent)]
        (again,) = [answer async for answer in client.send_message(sent)]
        task = answer.task
        assert (task.status.state, task.context_id) == (State.TASK_STATE_COMPLETED, "context-1")
        assert [part.text for artifact in task.artifacts for part in artifact.parts] == ["found it"]
        assert [part.text for part in task.history[0].parts] == ["find it"]
        assert again.task.id == task.id  # the same message is the same task
        found = await client.get_task(a2a.GetTaskRequest(id=task.id, history_length=0))
        assert (found.status.state, len(found.history)) == (State.TASK_STATE_COMPLETED, 0)
    assert len(team.journal(headers)) == 2
    async with httpx.AsyncClient() as http:
        assert (await http.get(f"{team.orchestrators[1]}/tasks/{task.id}")).json()["output"] == "found it"


@pytest.mark.parametrize("binding", BINDINGS)
async def test_a_stream_tells_each_change_and_ends_with_a_question_or_the_answer(team: Any, binding: str) -> None:
    slow = [{"kind": "latency", "seconds": 0.5, "when": {"text": "step a"}}]
    rows = (("a", "search", ""), ("q", "human", "a"), ("b", "search", "q"))
    rules = [{"when": {"text": "step b"}, "answer": "b found"}, {"when": {"text": "step a"}, "answer": "a found"}]
    headers = team.script(team.plan(*rows), team.synthesis, *rules, faults=slow)
    async with caller(team, binding, headers) as client:
        events = [event async for event in client.send_message(message("do it"))]
        task = events[0].task
        states = [event.status_update.status.state for event in events if event.HasField("status_update")]
        assert states[-1] == State.TASK_STATE_INPUT_REQUIRED
        assert State.TASK_STATE_WORKING in states
        asked = events[-1].status_update.status.message.parts[0].text
        assert asked.startswith("q: step q")
        reply = message("the blue one", task_id=task.id, context_id=task.context_id)
        rest = [event async for event in client.send_message(reply)]
        artifacts = [event.artifact_update.artifact for event in rest if event.HasField("artifact_update")]
        assert [part.text for artifact in artifacts for part in artifact.parts] == ["all of it together"]
        assert rest[-1].status_update.status.state == State.TASK_STATE_COMPLETED
        with pytest.raises(UnsupportedOperationError):  # it asks nothing any more
            [event async for event in client.send_message(message("?", task_id=task.id))]


@pytest.mark.parametrize("binding", BINDINGS)
async def test_a_task_under_way_can_be_subscribed_to_and_cancelled(team: Any, binding: str) -> None:
    slow = [{"kind": "latency", "seconds": 4.0, "when": {"text": "step a"}}]
    headers = team.script(team.plan(("a", "search", "")), {"answer": "too late"}, faults=slow)
    async with caller(team, binding, headers) as client:
        stream = client.send_message(message("do it"))
        task = (await anext(stream)).task
        await stream.aclose()  # hanging up is not cancelling
        events = client.subscribe(a2a.SubscribeToTaskRequest(id=task.id))
        first = (await anext(events)).task
        assert first.id == task.id
        assert first.status.state in (State.TASK_STATE_SUBMITTED, State.TASK_STATE_WORKING)
        cancelled = await client.cancel_task(a2a.CancelTaskRequest(id=task.id))
        assert cancelled.status.state == State.TASK_STATE_CANCELED
        assert [event async for event in events][-1].status_update.status.state == State.TASK_STATE_CANCELED
        with pytest.raises(TaskNotCancelableError):
            await client.cancel_task(a2a.CancelTaskRequest(id=task.id))
        with pytest.raises(UnsupportedOperationError):
            [event async for event in client.subscribe(a2a.SubscribeToTaskRequest(id=task.id))]


@pytest.mark.parametrize("binding", BINDINGS)
async def test_what_is_not_there_or_not_offered_is_said_in_the_protocols_words(team: Any, binding: str) -> None:
    async with caller(team, binding, {}, streaming=False) as client:
        with pytest.raises(TaskNotFoundError):
            await client.get_task(a2a.GetTaskRequest(id="nobody"))
        with pytest.raises(TaskNotFoundError):
            await client.cancel_task(a2a.CancelTaskRequest(id="nobody"))
        with pytest.raises(TaskNotFoundError):
            [event async for event in client.send_message(message("hello", task_id="nobody"))]
        with pytest.raises(UnsupportedOperationError):
            await client.list_tasks(a2a.ListTasksRequest())
        for wrong in (message("", context_id="c"), message("hello", context_id="not a context")):
            with pytest.raises(A2AError):
                [event async for event in client.send_message(wrong)]


async def test_the_card_names_both_bindings_and_a_skill_for_each_agent(team: Any) -> None:
    async with httpx.AsyncClient() as http:
        card = (await http.get(f"{team.orchestrators[0]}/.well-known/agent-card.json")).json()
    assert [row["protocolBinding"] for row in card["supportedInterfaces"]] == BINDINGS
    assert [skill["id"] for skill in card["skills"]] == ["search"]
    assert card["capabilities"]["streaming"] is True
