"""Orchestrations through the HTTP interface, with real agents, a real Redis and replicas that die."""

from __future__ import annotations

import signal
import time
from typing import Any

import httpx
import redis


def until(url: str, *statuses: str, within_s: float = 30) -> dict[str, Any]:
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        body: dict[str, Any] = httpx.get(url).json()
        if body["status"] in statuses:
            return body
        time.sleep(0.05)
    raise AssertionError(f"{url}: {body}")


def test_a_diamond_is_one_trace_of_six_calls_to_a_model(team: Any) -> None:
    steps = [
        {"when": {"text": "step a"}, "answer": "a found"},
        {"when": {"text": {"regex": "(?s)step b.*a found"}}, "answer": "b found"},
        {"when": {"text": {"regex": "(?s)step c.*a found"}}, "answer": "c found"},
        {"when": {"text": {"regex": "(?s)step d.*b found.*c found"}}, "answer": "d found"},
    ]
    rows = (("a", "search", ""), ("b", "search", "a"), ("c", "search", "a"), ("d", "search", "b c"))
    headers = team.script(team.plan(*rows), team.synthesis, *steps)
    body = httpx.post(
        f"{team.orchestrators[0]}/run", json={"session_id": "s1", "prompt": "do it"}, headers=headers, timeout=30
    ).json()
    assert (body["status"], body["output"]) == ("completed", "all of it together")
    assert [(node["id"], node["output"]) for node in body["nodes"]] == [
        ("a", "a found"), ("b", "b found"), ("c", "c found"), ("d", "d found"),
    ]  # fmt: skip
    journal = team.journal(headers)
    assert len(journal) == 6
    traces = {row["trace_id"] for row in journal}
    assert traces == {headers["traceparent"][3:35]}
    # The agent's own door knows the tasks too.
    assert httpx.get(f"{team.agent}/tasks/{body['nodes'][0]['task_id']}").json()["output"] == "a found"


def test_a_person_is_asked_and_any_replica_takes_the_answer(team: Any) -> None:
    rows = (("q", "human", ""), ("a", "search", "q"))
    found = {"when": {"text": {"regex": "(?s)step a.*the blue one"}}, "answer": "painted blue"}
    headers = team.script(team.plan(*rows), team.synthesis, found)
    one, other = team.orchestrators
    body = httpx.post(f"{one}/run", json={"session_id": "s2", "prompt": "paint it"}, headers=headers, timeout=30).json()
    assert (body["status"], body["questions"]) == ("input_required", [{"node": "q", "prompt": "step q"}])
    task = f"/tasks/{body['task_id']}"
    assert httpx.post(f"{other}{task}/input", json={"node": "a", "text": "?"}).status_code == 409
    assert httpx.post(f"{other}/tasks/nobody/input", json={"node": "q", "text": "?"}).status_code == 404
    assert httpx.post(f"{other}{task}/input", json={"node": "q"}).status_code == 422
    assert httpx.post(f"{other}{task}/input", json={"node": "q", "text": "the blue one"}).status_code == 200
    ended = until(one + task, "completed")
    assert [node["output"] for node in ended["nodes"]] == ["the blue one", "painted blue"]
    assert httpx.post(f"{other}{task}/input", json={"node": "q", "text": "the red one"}).status_code == 409


def test_cancelling_an_orchestration_cancels_its_agents_tasks(team: Any) -> None:
    slow = [{"kind": "latency", "seconds": 25.0, "when": {"text": "step a"}}]
    headers = team.script(team.plan(("a", "search", "")), {"answer": "too late"}, faults=slow)
    url = team.orchestrators[0]
    body = httpx.post(f"{url}/tasks", json={"session_id": "s3", "prompt": "do it"}, headers=headers).json()
    task = f"{url}/tasks/{body['task_id']}"
    team.until_asked(headers, 2)
    httpx.post(f"{task}/cancel").raise_for_status()
    assert until(task, "cancelled")["nodes"][0]["status"] == "cancelled"
    assert team.given_up(headers) == ["step a"]


def test_a_replica_that_is_killed_leaves_its_work_to_the_other_and_nothing_is_done_twice(team: Any) -> None:
    slow = [{"kind": "latency", "seconds": 2.0, "when": {"text": "step b"}}]
    rows = (("a", "search", ""), ("b", "search", "a"), ("c", "search", "b"))
    rules = [{"when": {"text": f"step {name}"}, "answer": f"{name} found"} for name in "abc"]
    headers = team.script(team.plan(*rows), team.synthesis, *rules, faults=slow)
    body = httpx.post(
        f"{team.orchestrators[0]}/tasks", json={"session_id": "s4", "prompt": "do it"}, headers=headers
    ).json()
    store = redis.Redis.from_url(team.stack.redis_url)
    team.until_asked(headers, 3)
    worker = (store.hget(f"orchestrator:task:{body['task_id']}", "worker") or b"").decode()
    store.close()
    dead = worker.partition("/")[0]
    team.stack.processes[dead].send_signal(signal.SIGKILL)
    team.stack.processes[dead].wait()
    survivor = team.orchestrators[1 - int(dead[-1])]
    ended = until(f"{survivor}/tasks/{body['task_id']}", "completed")
    assert (ended["output"], ended["attempts"]) == ("all of it together", 2)
    asked = [row["request"]["messages"][-1]["content"][:6] for row in team.journal(headers)]
    assert sorted(asked) == sorted(["do it", "step a", "step b", "step c", "The re"])


def test_a_team_over_kafka_gives_the_same_answer_in_the_same_trace(team: Any) -> None:
    rules = [
        {"when": {"text": {"regex": "(?s)step b.*a found"}}, "answer": "b found"},
        {"when": {"text": "step a"}, "answer": "a found"},
    ]
    headers = team.script(team.plan(("a", "search", ""), ("b", "search", "a")), team.synthesis, *rules)
    body = httpx.post(
        f"{team.by_kafka}/run", json={"session_id": "s5", "prompt": "do it"}, headers=headers, timeout=40
    ).json()
    assert (body["status"], body["output"]) == ("completed", "all of it together")
    assert [(node["output"], node["attempts"]) for node in body["nodes"]] == [("a found", 1), ("b found", 1)]
    journal = team.journal(headers)
    assert len(journal) == 4
    assert {row["trace_id"] for row in journal} == {headers["traceparent"][3:35]}
    # The agent's task is the event's, and known over HTTP too.
    assert httpx.get(f"{team.agent}/tasks/{body['nodes'][0]['task_id']}").json()["output"] == "a found"


def test_cancelling_over_kafka_reaches_the_agent_too(team: Any) -> None:
    slow = [{"kind": "latency", "seconds": 25.0, "when": {"text": "step a"}}]
    headers = team.script(team.plan(("a", "search", "")), {"answer": "too late"}, faults=slow)
    body = httpx.post(f"{team.by_kafka}/tasks", json={"session_id": "s6", "prompt": "do it"}, headers=headers).json()
    team.until_asked(headers, 2)
    httpx.post(f"{team.by_kafka}/tasks/{body['task_id']}/cancel").raise_for_status()
    ended = until(f"{team.by_kafka}/tasks/{body['task_id']}", "cancelled")
    assert ended["nodes"][0]["status"] == "cancelled"
    assert team.given_up(headers) == ["step a"]
