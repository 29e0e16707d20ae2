"""The search agent when its parts fail: a killed worker, a slow model, a model that asks for quiet."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import redis


def finished(url: str, task_id: str, within_s: float = 40) -> dict[str, Any]:
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        body: dict[str, Any] = httpx.get(f"{url}/tasks/{task_id}").json()
        if body["status"] in ("completed", "failed", "cancelled"):
            return body
        time.sleep(0.05)
    raise AssertionError(f"task {task_id} did not end: {body}")


@pytest.fixture
def faulty(stack: Any) -> Iterator[Any]:
    def set_faults(**faults: dict[str, Any]) -> None:
        named = {model.replace("_", "-"): fault for model, fault in faults.items()}
        httpx.put(f"{stack.llm}/faults", json=named).raise_for_status()

    yield set_faults
    set_faults()


def run(url: str, prompt: str) -> dict[str, Any]:
    body: dict[str, Any] = httpx.post(f"{url}/run", json={"session_id": "f", "prompt": prompt}, timeout=60).json()
    return body


def test_a_model_that_is_15_s_late_is_passed_over_for_the_next(stack: Any, faulty: Any) -> None:
    faulty(**{"gpt-4o": {"delay": 15}})
    body = run(stack.agents[0], "hello there")
    assert (body["status"], body["model"]) == ("completed", "gpt-4o-mini")
    assert body["duration_ms"] < 15_000


def test_another_vendor_answers_when_one_is_down(stack: Any, faulty: Any) -> None:
    faulty(**{"gpt-4o": {"status": 503}, "gpt-4o-mini": {"status": 503}})
    body = run(stack.agents[1], "hello there")
    assert (body["status"], body["model"]) == ("completed", "claude-sonnet-4-5")


def test_an_error_that_another_try_cannot_mend_is_not_tried_again(stack: Any, faulty: Any) -> None:
    before = len(httpx.get(f"{stack.llm}/seen").json())
    faulty(**{"gpt-4o": {"status": 401}})
    body = run(stack.agents[0], "hello there")
    calls = httpx.get(f"{stack.llm}/seen").json()[before:]
    assert body["status"] == "completed"
    assert [call["model"] for call in calls] in (["gpt-4o", "gpt-4o-mini"], ["gpt-4o-mini"])


def test_a_killed_workers_task_ends_once_on_the_other_replica_with_one_effect(stack: Any) -> None:
    """Killed after its first search: the search is not done again, and the task takes over where it stood."""
    busy = httpx.post(f"{stack.agents[0]}/tasks", json={"session_id": "k", "prompt": "slow 1.5 search failover"}).json()
    task_id = busy["task_id"]
    until = time.monotonic() + 20
    while not stack.ledger(task_id) and time.monotonic() < until:
        time.sleep(0.05)
    name = redis.Redis.from_url(stack.redis_url).hget(f"search:task:{task_id}", "worker").decode().partition("/")[0]
    survivor = stack.agents[1 if name == "agent-0" else 0]
    victim = stack.processes[name]
    victim.send_signal(signal.SIGKILL)
    victim.wait()
    body = finished(survivor, task_id)
    assert (body["status"], body["steps_used"], body["attempts"]) == ("completed", 2, 2)
    assert len(stack.ledger(task_id)) == 1
    stack.agents[:] = [survivor, stack.service("agent-again", "agent", "search")]


def test_tasks_accepted_by_a_replica_that_dies_at_once_are_not_lost(stack: Any) -> None:
    url = stack.service("agent-2", "agent", "search")
    ids = []
    for number in range(30):
        body = {"session_id": f"l{number}", "prompt": f"slow 0.2 search loss {number}"}
        ids.append(httpx.post(f"{url}/tasks", json=body).json()["task_id"])
    victim = stack.processes["agent-2"]
    victim.send_signal(signal.SIGKILL)
    victim.wait()
    ends = [finished(stack.agents[1], task_id) for task_id in ids]
    assert [end["status"] for end in ends] == ["completed"] * 30
    assert all(len(stack.ledger(task_id)) == 1 for task_id in ids)
    assert any(end["attempts"] > 1 for end in ends)


def test_sigterm_lets_a_task_under_way_come_to_its_end(stack: Any) -> None:
    url = stack.service("agent-3", "agent", "search")
    task_id = httpx.post(f"{url}/tasks", json={"session_id": "t", "prompt": "slow 0.5 search drain"}).json()["task_id"]
    time.sleep(0.3)
    process = stack.processes["agent-3"]
    process.terminate()
    assert process.wait(20) == 0
    body = finished(stack.agents[1], task_id)
    assert (body["status"], len(stack.ledger(task_id))) == ("completed", 1)
