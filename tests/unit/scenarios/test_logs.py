"""What was asked and what opens doors must not stand in a log."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import httpx
import pytest

from harness.core.config import Service, TasksApi
from harness.core.errors import InfraError
from harness.scenarios.logs import Logs, judged, prompts_of
from harness.scenarios.model import Ask, Assertion, Scenario, Step
from harness.targets.target import LiveService, Target

SECRET = {"metadata": {"name": "keys"}, "data": {"openai": base64.b64encode(b"sk-very-secret\n").decode(), "n": "MQ=="}}
BEFORE = "container=main&previous=true"  # where agent-1 was started twice, and wrote it at first
LOGS = {
    "agent-1": "task begins prompt=Tell Ada the time\n",
    "agent-2": "fine\n",
    "quiet-1": "",
    "llm-1": "sk-very-secret",
}


def answer(request: httpx.Request) -> httpx.Response:
    path = request.url.path
    if path.endswith("/secrets"):
        return httpx.Response(200, json={"items": [SECRET]})
    if path.endswith("/pods"):
        return httpx.Response(200, json={"items": [a_pod(name) for name in LOGS]})
    name = path.split("/")[-2]
    if name == "agent-1" and request.url.query.decode() != BEFORE:
        return httpx.Response(200, text="started again\n")
    return httpx.Response(200, text=LOGS[name])


def a_pod(name: str) -> dict[str, Any]:
    row: dict[str, Any] = {"name": "main", "state": {"running": {}}, "lastState": {}}
    if name == "agent-1":
        row["lastState"] = {"terminated": {"exitCode": 1}}
    waiting = {"name": "sidecar", "state": {"waiting": {"reason": "ImagePullBackOff"}}, "lastState": {}}
    metadata = {"name": name, "labels": {"app": name.partition("-")[0]}}
    return {"metadata": metadata, "status": {"containerStatuses": [row, waiting]}}


def target() -> Target:
    llm = LiveService("llm", "http://llm", Service(role="llm"))
    return Target("t", "local", "ns", {"llm": llm}, kube_api="http://kube")


async def test_every_workload_that_writes_is_read_but_the_mock() -> None:
    asked = Step(together=(Step(run=Ask(prompt="Tell Ada the time")), Step(task=Ask(prompt="hi"))))
    assert list(prompts_of([asked])) == ["Tell Ada the time"]
    scenario = Scenario(title="t", when=(asked,), then=(Assertion.model_validate("status"),))
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        checks = await Logs(http, target()).check([scenario])
        nothing_asked = await Logs(http, target()).check([])
    assert [(check.check, check.subject, check.outcome) for check in checks] == [
        ("logs.no_prompt", "agent", "fail"),
        ("logs.no_secret", "agent", "pass"),
    ]
    assert [check.check for check in nothing_asked] == ["logs.no_secret"]


def test_a_secret_is_named_and_not_shown() -> None:
    check = judged("agent", "ok\nkey=sk-very-secret\n", "secret", {"sk-very-secret": "keys/openai"})
    assert check.outcome == "fail"
    assert "keys/openai" in check.detail
    assert "sk-very" not in check.model_dump_json()
    assert judged("agent", "ok\n", "secret", {"sk-very-secret": "keys/openai"}).outcome == "pass"


async def test_a_service_that_takes_tasks_logs_in_json_and_no_session() -> None:
    agent = LiveService("agent", "http://agent", Service(role="agent", tasks=TasksApi()))
    idle = LiveService("quiet", "http://quiet", Service(role="agent", tasks=TasksApi()))
    where = replace(target(), services={"agent": agent, "quiet": idle})
    scenario = Scenario(
        name="n", title="t", when=(Step(run=Ask(prompt="hi")),), then=(Assertion.model_validate("status"),)
    )

    async def judge(*lines: str) -> dict[tuple[str, str], str]:
        logs = {"agent-1": "\n".join(lines) + "\n", "quiet-1": ""}

        def answer(request: httpx.Request) -> httpx.Response:
            if request.url.path.endswith("/secrets"):
                return httpx.Response(200, json={"items": []})
            if request.url.path.endswith("/pods"):
                row = {"name": "main", "state": {"running": {}}, "lastState": {}}
                pods = [
                    {"metadata": {"name": n, "labels": {"app": n[:-2]}}, "status": {"containerStatuses": [row]}}
                    for n in logs
                ]
                return httpx.Response(200, json={"items": pods})
            return httpx.Response(200, text=logs[request.url.path.split("/")[-2]])

        async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
            checks = await Logs(http, where, "abc", ("task_id", "trace_id")).check([scenario])
        return {(check.check, check.subject): check.outcome for check in checks}

    good = await judge('{"event": "up"}', '{"task_id": "1", "trace_id": "2", "session": "5f"}')
    assert good == {(f"logs.{check}", "agent"): "pass" for check in ("json", "fields", "no_session")}
    plain = await judge("INFO started", '{"task_id": "1", "trace_id": "2"}')
    assert plain[("logs.json", "agent")] == "fail"
    half = await judge('{"task_id": "1"}', '{"trace_id": "2"}', '{"task_id": "", "trace_id": "2"}')
    assert half[("logs.fields", "agent")] == "fail"
    told = await judge('{"task_id": "1", "trace_id": "2", "session": "abc-n-1-user-main"}')
    assert told[("logs.no_session", "agent")] == "fail"
    silent = await judge()
    assert silent[("logs.fields", "services")] == "inconclusive"
    no_task_anywhere = await judge('{"event": "up", "trace_id": "2"}')
    assert no_task_anywhere[("logs.fields", "services")] == "fail"


async def test_logs_that_cannot_be_read_are_no_pass() -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(500))
    async with httpx.AsyncClient(transport=transport) as http:
        with pytest.raises(InfraError, match="cannot be read"):
            await Logs(http, target()).check(())
