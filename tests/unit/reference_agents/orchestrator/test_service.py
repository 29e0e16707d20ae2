"""The orchestrator's application as it is put together, over a fake Redis and a scripted world around it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import fakeredis
import httpx
import pytest
import respx

from reference_agents.common.settings import Settings
from reference_agents.orchestrator.service import create_app

ENV = {
    "AGENTS": '[{"name": "search", "url": "http://agent", "description": "finds things"}]',
    "OPENAI_BASE_URL": "http://llm/v1",
    "ANTHROPIC_BASE_URL": "http://llm",
    "PUBLIC_URL": "http://orchestrator",
    "SUPERVISOR_FIRST_WAIT": "0.01",
}
ASKING = json.dumps({"nodes": [{"id": "q", "agent": "human", "prompt": "which?"}]})
LOOKING = json.dumps({"nodes": [{"id": "a", "agent": "search", "prompt": "find it"}]})


def said(text: str) -> httpx.Response:
    message = {"role": "assistant", "content": text}
    body = {"model": "gpt-4o", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    return httpx.Response(200, json={**body, "usage": {"prompt_tokens": 5, "completion_tokens": 5}})


class World:
    """What the orchestrator sees of the world."""

    def __init__(self, router: respx.MockRouter) -> None:
        self.llm = router.post("http://llm/v1/chat/completions").mock(return_value=said(LOOKING))
        done = {"task_id": "T", "status": "completed", "output": "found it", "tokens_used": 9}
        self.agent = router.post("http://agent/tasks").mock(return_value=httpx.Response(202, json=done))


@pytest.fixture
async def world() -> AsyncIterator[World]:
    with respx.mock(assert_all_called=False) as router:
        yield World(router)


@pytest.fixture
async def http(monkeypatch: pytest.MonkeyPatch, world: World) -> AsyncIterator[httpx.AsyncClient]:
    store = fakeredis.FakeAsyncRedis()
    monkeypatch.setattr("reference_agents.orchestrator.service.Redis.from_url", lambda *args, **more: store)
    app = create_app(Settings.of(ENV), ENV)
    transport = httpx.ASGITransport(app)
    client = httpx.AsyncClient(transport=transport, base_url="http://orchestrator")
    async with app.router.lifespan_context(app), client:
        yield client


BODY = {"session_id": "s", "prompt": "do it"}


async def test_run_answers_with_the_result_and_the_task_can_be_looked_at_again(http: httpx.AsyncClient) -> None:
    body = (await http.post("/run", json=BODY)).json()
    assert (body["status"], body["output"], body["tokens_used"]) == ("completed", "found it", 19)
    assert (await http.get(f"/tasks/{body['task_id']}")).json() == body


async def test_a_key_is_one_task_and_another_body_under_it_is_refused(http: httpx.AsyncClient, world: World) -> None:
    headers = {"Idempotency-Key": "k"}
    one = await http.post("/tasks", json=BODY, headers=headers)
    two = await http.post("/tasks", json=BODY, headers=headers)
    assert (one.status_code, one.headers["location"]) == (202, two.headers["location"])
    other = await http.post("/tasks", json={**BODY, "on_failure": "stop"}, headers=headers)
    assert (other.status_code, other.headers["content-type"]) == (422, "application/problem+json")


async def test_a_question_is_answered_over_its_own_door(http: httpx.AsyncClient, world: World) -> None:
    world.llm.mock(return_value=said(ASKING))
    body = (await http.post("/run", json=BODY)).json()
    assert (body["status"], body["questions"][0]["prompt"]) == ("input_required", "which?")
    task = f"/tasks/{body['task_id']}"
    assert (await http.post(f"{task}/input", json={"node": "x", "text": "?"})).status_code == 409
    assert (await http.post(f"{task}/input", json={"node": "q", "text": "that one"})).status_code == 200
    while (found := (await http.get(task)).json())["status"] != "completed":  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    assert found["output"] == "that one"


async def test_a_parked_task_is_cancelled_and_what_is_unknown_is_404(http: httpx.AsyncClient, world: World) -> None:
    world.llm.mock(return_value=said(ASKING))
    body = (await http.post("/run", json=BODY)).json()
    assert (await http.post(f"/tasks/{body['task_id']}/cancel")).json()["status"] == "cancelled"
    for method, path in (("GET", "/tasks/x"), ("POST", "/tasks/x/cancel"), ("POST", "/tasks/x/input")):
        answer = await http.request(method, path, json={"node": "q", "text": "t"} if "input" in path else None)
        assert answer.status_code == 404


async def test_probes_and_metrics(http: httpx.AsyncClient) -> None:
    assert (await http.get("/ready")).json() == {"ready": True, "checks": {"redis": "ok"}}
    assert (await http.get("/health")).json()["llm"]["gpt-4o"] == "closed"
    assert "orchestrator_queue_depth 0.0" in (await http.get("/metrics")).text


async def rpc(http: httpx.AsyncClient, method: str, params: dict[str, Any]) -> dict[str, Any]:
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    answer = await http.post("/a2a", json=body, headers={"A2A-Version": "1.0"})
    found: dict[str, Any] = answer.json()
    return found


def message(text: str, **more: str) -> dict[str, Any]:
    said_ = {"messageId": f"m-{text}", "role": "ROLE_USER", "parts": [{"text": text}], "contextId": "c", **more}
    return {"message": said_}


async def test_over_a2a_a_message_is_a_task_and_a_reply_is_its_answer(http: httpx.AsyncClient, world: World) -> None:
    world.llm.mock(return_value=said(ASKING))
    task = (await rpc(http, "SendMessage", message("do it")))["result"]["task"]
    assert task["status"]["state"] == "TASK_STATE_INPUT_REQUIRED"
    wrong = await rpc(http, "SendMessage", message("?", taskId=task["id"], contextId="another"))
    assert "another context" in wrong["error"]["message"]
    named = message("that one", taskId=task["id"])
    named["message"]["metadata"] = {"node": "nowhere"}
    assert "does not ask 'nowhere'" in (await rpc(http, "SendMessage", named))["error"]["message"]
    done = (await rpc(http, "SendMessage", message("that one", taskId=task["id"])))["result"]["task"]
    assert done["artifacts"][0]["parts"] == [{"text": "that one"}]
    assert (await rpc(http, "GetTask", {"id": task["id"]}))["result"]["status"]["state"] == "TASK_STATE_COMPLETED"
    assert "error" in await rpc(http, "CancelTask", {"id": task["id"]})
    assert "error" in await rpc(http, "GetTask", {"id": "nobody"})
    used = message("do it", messageId="m-do it")
    used["message"]["parts"] = [{"text": "do something else"}]
    assert "was used for another" in (await rpc(http, "SendMessage", used))["error"]["message"]


async def test_over_a2a_a_failure_says_why(http: httpx.AsyncClient, world: World) -> None:
    world.llm.mock(return_value=said("no plan"))
    task = (await rpc(http, "SendMessage", message("do it")))["result"]["task"]
    assert task["status"]["state"] == "TASK_STATE_FAILED"
    assert task["status"]["message"]["parts"][0]["text"].startswith("plan_invalid: not JSON")
    assert "no text" in (await rpc(http, "SendMessage", message("")))["error"]["message"]


async def test_a_store_that_is_away_is_said_so(http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    from redis.exceptions import ConnectionError as Away

    async def away(*args: Any, **more: Any) -> Any:
        raise Away

    for name in ("submit", "orchestration", "request", "cancel", "depth"):
        monkeypatch.setattr(f"reference_agents.orchestrator.store.OrchestrationStore.{name}", away)
    assert (await http.post("/tasks", json=BODY)).status_code == 503
    assert (await http.get("/tasks/x")).status_code == 503
    assert (await http.post("/tasks/x/cancel")).status_code == 503
    assert (await http.get("/metrics")).status_code == 200
    assert "at present" in (await rpc(http, "SendMessage", message("do it")))["error"]["message"]
    assert "at present" in (await rpc(http, "GetTask", {"id": "x"}))["error"]["message"]


@pytest.mark.parametrize(("name", "value"), [("AGENTS", "nonsense"), ("SUPERVISOR_TIMEOUT", "soon")])
def test_settings_that_cannot_be_read_are_a_value_error(name: str, value: str) -> None:
    with pytest.raises(ValueError):
        create_app(Settings.of(ENV), {**ENV, name: value})
