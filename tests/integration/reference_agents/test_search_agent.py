"""The search agent through its HTTP interface, with real parts around it."""

from __future__ import annotations

import concurrent.futures
import json
import time
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import connect

TRACE = "0af7651916cd43dd8448eb211c80319c"


def finished(url: str, task_id: str, within_s: float = 30) -> dict[str, Any]:
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        body: dict[str, Any] = httpx.get(f"{url}/tasks/{task_id}").json()
        if body["status"] in ("completed", "failed", "cancelled"):
            return body
        time.sleep(0.05)
    raise AssertionError(f"task {task_id} did not end: {body}")


def test_run_searches_and_answers_with_one_effect_in_the_ledger(stack: Any) -> None:
    body = httpx.post(
        f"{stack.agents[0]}/run", json={"session_id": "s1", "prompt": "search circuit breaker"}, timeout=30
    ).json()
    assert body["status"] == "completed"
    assert "Circuit breaker" in body["output"]
    assert body["model"] == "gpt-4o"
    assert body["steps_used"] == 2
    assert [(call["tool"], call["outcome"]) for call in body["tool_calls"]] == [("web_search", "ok")]
    (effect,) = stack.ledger(body["task_id"])
    assert effect["agent_id"] == "agent-search"
    assert effect["outcome"] == "ok"


def test_a_task_is_accepted_with_a_location_and_ends(stack: Any) -> None:
    answer = httpx.post(f"{stack.agents[0]}/tasks", json={"session_id": "s2", "prompt": "search idempotency"})
    assert answer.status_code == 202
    location = answer.headers["Location"]
    assert location == f"/tasks/{answer.json()['task_id']}"
    # The other replica knows the task too: nothing stays in a process.
    assert finished(stack.agents[1], answer.json()["task_id"])["status"] == "completed"


def test_the_same_key_is_the_same_task_also_concurrently(stack: Any) -> None:
    def send(number: int) -> httpx.Response:
        return httpx.post(
            f"{stack.agents[number % 2]}/tasks",
            json={"session_id": "s3", "prompt": "search backoff"},
            headers={"Idempotency-Key": "key-3"},
        )

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(send, range(8)))
    assert {answer.status_code for answer in answers} == {202}
    (task_id,) = {answer.json()["task_id"] for answer in answers}
    finished(stack.agents[0], task_id)
    assert len(stack.ledger(task_id)) == 1
    other = httpx.post(
        f"{stack.agents[0]}/tasks",
        json={"session_id": "s3", "prompt": "search something else"},
        headers={"Idempotency-Key": "key-3"},
    )
    assert other.status_code == 422
    assert other.headers["content-type"] == "application/problem+json"


def test_the_trace_and_the_baggage_reach_the_llm_and_the_ledger(stack: Any) -> None:
    headers = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01", "baggage": "mock.session=trace-test"}
    body = httpx.post(
        f"{stack.agents[0]}/run", json={"session_id": "s4", "prompt": "search tracing"}, headers=headers, timeout=30
    ).json()
    (effect,) = stack.ledger(body["task_id"])
    assert effect["trace_id"] == TRACE
    calls = [
        c for c in httpx.get(f"{stack.llm}/seen").json() if "mock.session=trace-test" in c["headers"].get("baggage", "")
    ]
    assert len(calls) == 2
    assert all(TRACE in call["headers"]["traceparent"] for call in calls)


def test_a_session_remembers_what_was_said(stack: Any) -> None:
    for prompt in ("search first thing", "say hello"):
        httpx.post(f"{stack.agents[0]}/run", json={"session_id": "s5", "prompt": prompt}, timeout=30)
    last = httpx.get(f"{stack.llm}/seen").json()[-1]
    assert [m["content"] for m in last["messages"] if m["role"] == "user"] == ["search first thing", "say hello"]


def test_the_limit_of_steps_ends_a_task_that_would_go_on_for_ever(stack: Any) -> None:
    body = httpx.post(
        f"{stack.agents[0]}/run", json={"session_id": "s6", "prompt": "forever queue", "max_steps": 3}, timeout=30
    ).json()
    assert (body["status"], body["error"], body["steps_used"]) == ("failed", "max_steps_reached", 3)
    assert body["tokens_used"] == 180


def test_the_budget_ends_a_task_and_what_was_spent_is_told(stack: Any) -> None:
    body = httpx.post(
        f"{stack.agents[0]}/run",
        json={"session_id": "s7", "prompt": "forever queue", "max_steps": 25, "token_budget": 600},
        timeout=30,
    ).json()
    assert (body["status"], body["error"]) == ("failed", "token_budget_exceeded")
    assert 0 < body["tokens_used"] <= 600


def test_a_running_task_can_be_cancelled(stack: Any) -> None:
    task_id = httpx.post(f"{stack.agents[0]}/tasks", json={"session_id": "s8", "prompt": "slow 3 twice queue"}).json()[
        "task_id"
    ]
    time.sleep(0.5)
    assert httpx.post(f"{stack.agents[1]}/tasks/{task_id}/cancel").status_code == 200
    assert finished(stack.agents[0], task_id)["status"] == "cancelled"


@pytest.mark.parametrize(
    ("content", "status"),
    [(b"{", 400), (b"[]", 422), (b'{"session_id": "s", "prompt": ""}', 422), (b'{"prompt": "x"}', 422)],
)
def test_bad_bodies_are_refused_as_problem_details(stack: Any, content: bytes, status: int) -> None:
    answer = httpx.post(f"{stack.agents[0]}/tasks", content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code == status
    assert answer.json()["status"] == status


def test_the_registry_refuses_strangers_and_wrong_arguments(stack: Any) -> None:
    url = f"{stack.registry}/tools/web_search/invoke"
    good: dict[str, Any] = {"arguments": {"query": "queue"}}
    assert httpx.post(url, json=good).status_code == 403
    assert httpx.post(url, json=good, headers={"X-Agent-Id": "agent-email"}).status_code == 403
    mine = {"X-Agent-Id": "agent-search"}
    assert httpx.post(url, json={"arguments": {"query": 1}}, headers=mine).status_code == 422
    answer = httpx.post(url, json=good, headers=mine)
    assert answer.status_code == 200
    assert answer.json()["result"]["results"]


def test_metrics_count_tasks_and_logs_show_no_prompt(stack: Any) -> None:
    httpx.post(
        f"{stack.agents[0]}/run", json={"session_id": "secret-session", "prompt": "search xylophone"}, timeout=30
    )
    texts = [httpx.get(f"{url}/metrics").text for url in stack.agents]
    assert any('agent_tasks_total{agent="search",status="completed"}' in text for text in texts)
    assert all("agent_steps_per_task_bucket" in text for text in texts)
    logs = "".join(stack.log(name) for name in ("agent-0", "agent-1", "registry", "tool"))
    assert "task ended" in logs
    assert "xylophone" not in logs
    assert "secret-session" not in logs


def test_a_405_lists_what_the_path_takes(stack: Any) -> None:
    answer = httpx.put(f"{stack.agents[0]}/tasks", json={})
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    answer = httpx.delete(f"{stack.registry}/tools")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, POST")


def test_only_a_tool_with_the_token_registers_itself(stack: Any) -> None:
    definition = httpx.get(f"{stack.registry}/tools/web_search").json()
    answer = httpx.post(f"{stack.registry}/tools", json={**definition, "endpoint": "http://127.0.0.1:9/elsewhere"})
    assert answer.status_code == 401
    assert httpx.get(f"{stack.registry}/tools/web_search").json()["endpoint"] == definition["endpoint"]


def read_events(url: str, task_id: str, after: str = "") -> list[tuple[str, str, dict[str, Any]]]:
    headers = {"Last-Event-ID": after} if after else {}
    answer = httpx.get(f"{url}/tasks/{task_id}/events", headers=headers, timeout=30)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/event-stream")
    found = []
    for block in answer.text.strip().split("\n\n"):
        rows = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if rows:
            found.append((rows["id"], rows["event"], json.loads(rows["data"])))
    return found


def test_the_events_of_a_task_can_be_followed_and_resumed_at_another_replica(stack: Any) -> None:
    body = {"session_id": "s10", "prompt": "search outbox"}
    task_id = httpx.post(f"{stack.agents[0]}/tasks", json=body).json()["task_id"]
    every = read_events(stack.agents[0], task_id)
    kinds = [kind for _, kind, _ in every]
    assert kinds == ["status", "status", "llm_call", "tool_call", "tool_result", "llm_call", "status"]
    assert [data["status"] for _, kind, data in every if kind == "status"] == ["pending", "running", "completed"]
    assert "outbox" not in str(every)
    assert read_events(stack.agents[1], task_id, after=every[2][0]) == every[3:]
    assert httpx.get(f"{stack.agents[0]}/tasks/none/events").status_code == 404
    assert read_events(stack.agents[0], task_id, after="another-server's") == every


def test_the_events_are_pushed_over_a_websocket(stack: Any) -> None:
    body = {"session_id": "s11", "prompt": "search queue"}
    task_id = httpx.post(f"{stack.agents[0]}/tasks", json=body).json()["task_id"]
    address = stack.agents[1].replace("http", "ws", 1)
    with connect(f"{address}/tasks/{task_id}/ws") as socket:
        pushed = [json.loads(text) for text in socket]
    assert [row["kind"] for row in pushed if row["kind"] != "still_here"][-1] == "status"
    assert pushed[-1]["data"] == {"status": "completed", "error": ""}
    with connect(f"{address}/tasks/none/ws") as socket, pytest.raises(ConnectionClosedError) as closed:
        socket.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4404


def test_delete_cancels_as_the_cancel_route_does(stack: Any) -> None:
    body = {"session_id": "s12", "prompt": "slow 3 twice queue"}
    task_id = httpx.post(f"{stack.agents[0]}/tasks", json=body).json()["task_id"]
    assert httpx.delete(f"{stack.agents[1]}/tasks/{task_id}").status_code == 202
    assert finished(stack.agents[0], task_id)["status"] == "cancelled"
    assert httpx.delete(f"{stack.agents[1]}/tasks/none").status_code == 404
