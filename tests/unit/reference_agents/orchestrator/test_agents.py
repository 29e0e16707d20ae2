"""The orchestrator's side of an agent: what is tried again, what is not, and what is asked how often."""

from __future__ import annotations

import httpx
import pytest
import respx

from reference_agents.orchestrator.agents import HttpAgents
from reference_agents.orchestrator.directory import directory
from reference_agents.orchestrator.supervisor import Recoverable, Unrecoverable
from reference_agents.runner.schemas import TaskRequest, TaskStatus

AGENTS = directory('[{"name": "search", "url": "http://agent/", "description": "finds"}]')
REQUEST = TaskRequest(session_id="s", prompt="find it")


def answer(status: str, code: int = 200, **more: object) -> httpx.Response:
    return httpx.Response(code, json={"task_id": "T", "status": status, **more})


@respx.mock
async def test_a_task_is_handed_in_under_its_key_and_followed_to_its_end() -> None:
    post = respx.post("http://agent/tasks").mock(return_value=answer("pending", 202))
    look = respx.get("http://agent/tasks/T").mock(
        side_effect=[answer("running"), answer("running"), answer("completed", output="found")]
    )
    async with httpx.AsyncClient() as http:
        result = await HttpAgents(http, AGENTS).run("search", REQUEST, "key-1")
    assert (result.status, result.output) == (TaskStatus.COMPLETED, "found")
    assert post.calls[0].request.headers["idempotency-key"] == "key-1"
    assert post.calls[0].request.headers["traceparent"].startswith("00-")
    assert (post.call_count, look.call_count) == (1, 3)


@pytest.mark.parametrize("code", [408, 425, 429, 500, 502, 503, 504])
@respx.mock
async def test_what_may_pass_is_recoverable(code: int) -> None:
    respx.post("http://agent/tasks").mock(return_value=httpx.Response(code, headers={"Retry-After": "7"}))
    async with httpx.AsyncClient() as http:
        with pytest.raises(Recoverable) as caught:
            await HttpAgents(http, AGENTS).run("search", REQUEST, "k")
    assert caught.value.retry_after_s == 7


@pytest.mark.parametrize("after", ["", "Wed, 21 Oct 2026 07:28:00 GMT", "9999"])
@respx.mock
async def test_a_retry_after_counts_up_to_half_a_minute(after: str) -> None:
    respx.post("http://agent/tasks").mock(return_value=httpx.Response(503, headers={"Retry-After": after}))
    async with httpx.AsyncClient() as http:
        with pytest.raises(Recoverable) as caught:
            await HttpAgents(http, AGENTS).run("search", REQUEST, "k")
    assert caught.value.retry_after_s == (30 if after == "9999" else 0)


@pytest.mark.parametrize("code", [400, 401, 403, 404, 409, 422])
@respx.mock
async def test_a_refusal_is_not(code: int) -> None:
    respx.post("http://agent/tasks").mock(return_value=httpx.Response(code))
    async with httpx.AsyncClient() as http:
        with pytest.raises(Unrecoverable, match=f"HTTP {code}"):
            await HttpAgents(http, AGENTS).run("search", REQUEST, "k")


@respx.mock
async def test_an_agent_that_forgot_a_task_is_asked_again_one_that_talks_nonsense_is_not() -> None:
    respx.post("http://agent/tasks").mock(return_value=answer("pending", 202))
    respx.get("http://agent/tasks/T").mock(return_value=httpx.Response(404))
    async with httpx.AsyncClient() as http:
        agents = HttpAgents(http, AGENTS)
        with pytest.raises(Recoverable, match="does not know the task"):
            await agents.run("search", REQUEST, "k")
        respx.post("http://agent/tasks").mock(return_value=httpx.Response(200, text="<html>"))
        with pytest.raises(Unrecoverable, match="not a task's result"):
            await agents.run("search", REQUEST, "k")
        respx.post("http://agent/tasks").mock(side_effect=httpx.ConnectError("refused"))
        with pytest.raises(Recoverable, match="ConnectError"):
            await agents.run("search", REQUEST, "k")


@respx.mock
async def test_cancelling_learns_the_id_by_the_key_and_leaves_what_is_over() -> None:
    respx.post("http://agent/tasks").mock(
        side_effect=[answer("running", 202), answer("completed"), httpx.Response(503)]
    )
    cancel = respx.post("http://agent/tasks/T/cancel").mock(return_value=answer("cancelled"))
    async with httpx.AsyncClient() as http:
        agents = HttpAgents(http, AGENTS)
        for _ in range(3):
            await agents.cancel("search", REQUEST, "k")
    assert cancel.call_count == 1


@pytest.mark.parametrize("text", ["", "{}", '[{"name": "a"}]', '[{"name": "a", "url": "u", "colour": "red"}]'])
def test_a_directory_that_cannot_be_read_names_the_variable(text: str) -> None:
    with pytest.raises(ValueError, match="AGENTS: "):
        directory(text)
