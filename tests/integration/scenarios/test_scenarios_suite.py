"""The suite against a tiny agent with its mock LLM and ledger, healthy or with one defect, on real sockets."""

import asyncio
import contextlib
import dataclasses
import re
import socket
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI, HTTPException, Request

from harness.core.clock import RealClock
from harness.core.config import Config, Service, TasksApi
from harness.core.config import Target as TargetConfig
from harness.core.errors import ConfigError
from harness.core.events import Check, Operation, SuiteEnded, SuiteStarted
from harness.core.seed import Seed
from harness.evidence.recorder import MemoryRecorder
from harness.scenarios.suite import ScenariosSuite, planned
from harness.targets.suite import Silent, SuiteContext
from harness.targets.target import LiveService, Target

SPEC = Service(role="agent", tasks=TasksApi(), ledger="/ledger")
LLM = Service(role="llm", admin="/_mock", health=None, ready=None)


def subject(flaws: frozenset[str]) -> FastAPI:
    """An agent that calls its one tool as the script of its session says, and the mock LLM in the same process."""
    app = FastAPI()
    scripts: dict[str, dict[str, Any]] = {}
    journal: list[dict[str, Any]] = []
    effects: list[dict[str, Any]] = []
    tasks: dict[str, dict[str, Any]] = {}
    keys: dict[str, str] = {}
    failing = {"left": 1 if "broken-tool" in flaws else 0}

    @app.put("/_mock/sessions/{name}/script")
    async def script(name: str, request: Request) -> dict[str, Any]:
        data = await request.json()
        if "say" not in data:
            raise HTTPException(422, "script: expected `say`")
        scripts[name] = data
        return data

    @app.get("/_mock/journal")
    async def read(session: str, since: int = 0) -> dict[str, Any]:
        rows = [row for row in journal if row["session"] == session][since:]
        return {"entries": rows, "next": since + len(rows)}

    @app.get("/_mock/sessions/{name}")
    async def session_of(name: str) -> dict[str, Any]:
        return {"open": 0}

    @app.delete("/_mock/sessions/{name}", status_code=204)
    async def drop(name: str) -> None:
        scripts.pop(name, None)

    @app.get("/ledger")
    async def ledger() -> dict[str, Any]:
        return {"entries": effects}

    def act(request: Request, body: dict[str, Any]) -> dict[str, Any]:
        key = request.headers.get("idempotency-key", "")
        if key in keys and "no-idempotency" not in flaws:
            return tasks[keys[key]]
        found = re.search(r"mock\.session=([^,;]+)", request.headers.get("baggage", ""))
        name = found[1] if found else "default"
        task_id = uuid.uuid4().hex
        answer = scripts.get(name, {"say": "nothing"})
        calls: list[dict[str, Any]] = []
        for _ in range(3):
            journal.append({"session": name, "model": "m", "status": 200, "at": len(journal), "prompt_tokens": 5})
            if "broken-tool" in flaws and failing["left"]:
                failing["left"] = 0 if "gives-up" not in flaws else 1
                calls.append({"tool": "look", "arguments": {}, "outcome": "error"})
                if "gives-up" in flaws:
                    break
                continue
            calls.append({"tool": "look", "arguments": {"q": body["prompt"]}, "outcome": "ok"})
            for _ in range(2 if "twice" in flaws else 1):
                effects.append(
                    {"seq": len(effects), "at": 1.0, "tool": "look", "task_id": task_id, "idempotency_key": key}
                )
            break
        tasks[task_id] = {"task_id": task_id, "status": "completed", "output": answer["say"], "tool_calls": calls}
        if "gives-up" in flaws and calls[-1]["outcome"] == "error":
            tasks[task_id] |= {"status": "failed", "error": "tool"}
        keys[key] = task_id
        return tasks[task_id]

    @app.post("/run")
    async def run(request: Request) -> dict[str, Any]:
        if "hangs" in flaws:
            await asyncio.sleep(3)
        return act(request, await request.json())

    @app.post("/tasks", status_code=202)
    async def submit(request: Request) -> dict[str, Any]:
        return act(request, await request.json())

    @app.get("/tasks/{task_id}")
    async def status(task_id: str) -> dict[str, Any]:
        return tasks[task_id]

    return app


@contextlib.contextmanager
def served(app: FastAPI) -> Iterator[str]:
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()


BASE = """\
title: it answers
given: {llm: {script: {say: hello}}}
when:
  - run: {prompt: hi, timeout_s: %s}
then:
"""


class Play:
    """Writes scenario files, plays them, and hands back the checks."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.recorder = MemoryRecorder(clock=RealClock())
        self.stop = asyncio.Event()
        (folder / "scenarios").mkdir()
        services = {"agent": SPEC.model_copy(update={"url": url}), "llm": LLM.model_copy(update={"url": url})}
        config = Config.model_validate(
            {"target": TargetConfig(name="t", kind="external", services=services), "root": folder}
        )
        live = {name: LiveService(name, url, spec) for name, spec in services.items()}
        target = Target("t", "external", "default", live)
        self.context = SuiteContext(config, target, self.recorder, folder, RealClock(), Seed(3), Silent(), self.stop)

    def write(self, name: str, then: str, *, timeout_s: float = 10, more: str = "") -> None:
        (self.folder / "scenarios" / f"{name}.yaml").write_text(BASE % timeout_s + then + more)

    async def __call__(self) -> dict[str, str]:
        await ScenariosSuite().run(self.context)
        return {f"{check.subject}/{check.check}": check.outcome for check in self.checks}

    @property
    def checks(self) -> list[Check]:
        return [event.body for event in self.recorder.events if isinstance(event.body, Check)]


@pytest.fixture
def play(tmp_path: Path) -> Iterator[Callable[..., Play]]:
    with contextlib.ExitStack() as stack:
        yield lambda *flaws: Play(tmp_path, stack.enter_context(served(subject(frozenset(flaws)))))


async def test_healthy_scenarios_pass_and_leave_their_history(play: Callable[..., Play]) -> None:
    bench = play()
    for n in range(5):
        say = "  - output: hello\n  - effects: {tool: look, exactly: 1}\n  - llm_calls: 1\n"
        bench.write(f"s{n}", "  - status: completed\n" + say)
    outcomes = await bench()
    assert set(outcomes.values()) == {"pass"}
    assert len(outcomes) == 5 * 5
    first, last = bench.recorder.events[0].body, bench.recorder.events[-1].body
    assert isinstance(first, SuiteStarted)
    assert first.expects == ("s0", "s1", "s2", "s3", "s4")
    assert isinstance(last, SuiteEnded)
    operations = [event for event in bench.recorder.events if isinstance(event.body, Operation)]
    assert len(operations) == 10
    assert len({event.body.op for event in operations}) == 5


@pytest.mark.parametrize(("marked", "played"), [("tags: [quick]\n", {"b"}), ("", {"a", "b"})])
def test_a_quick_run_has_what_is_marked_quick_and_all_where_nothing_is(
    play: Callable[..., Play], marked: str, played: set[str]
) -> None:
    bench = play()
    bench.write("a", "  - status: completed\n")
    bench.write("b", "  - status: completed\n", more=marked)
    quick = dataclasses.replace(bench.context, quick=True)
    assert {scenario.name for scenario, _ in planned(quick)} == played


@pytest.mark.parametrize(
    ("flaws", "then", "failed"),
    [
        (("twice",), "  - effects: {tool: look}\n", "then.1.effects"),
        (("twice",), "  - effects: {tool: look, exactly: 1}\n", "then.1.effects"),
        (("broken-tool", "gives-up"), "  - recovery: {tool: look}\n", "then.1.recovery"),
        (("broken-tool", "gives-up"), "  - status: completed\n", "then.1.status"),
        ((), "  - output: goodbye\n", "then.1.output"),
        ((), "  - trajectory: {calls: [other], mode: strict}\n", "then.1.trajectory"),
        ((), "  - no_leak: hello\n", "then.1.no_leak"),
    ],
)
async def test_a_defect_fails_the_assertion_it_belongs_to(
    play: Callable[..., Play], flaws: tuple[str, ...], then: str, failed: str
) -> None:
    bench = play(*flaws)
    bench.write("s", then)
    outcomes = await bench()
    assert outcomes[f"s/{failed}"] == "fail"
    broken = next(check for check in bench.checks if check.outcome == "fail")
    assert broken.replay == "windtunnel scenarios s"


async def test_a_recovery_that_happened_passes_and_one_that_had_no_cause_says_nothing(
    play: Callable[..., Play],
) -> None:
    bench = play("broken-tool")
    bench.write("s", "  - recovery: {tool: look}\n")
    assert (await bench())["s/then.1.recovery"] == "pass"
    bench.recorder.events.clear()
    assert (await bench())["s/then.1.recovery"] == "inconclusive"


async def test_no_answer_in_time_is_the_subjects_failure(play: Callable[..., Play]) -> None:
    bench = play("hangs")
    bench.write("s", "  - status: completed\n", timeout_s=0.3)
    assert (await bench())["s/then.1.status"] == "fail"


async def test_a_service_that_is_gone_is_infra(tmp_path: Path) -> None:
    bench = Play(tmp_path, "http://127.0.0.1:9")
    bench.write("s", "  - status: completed\n")
    assert await bench() == {"s/scenario.valid": "infra"}


async def test_a_faulty_edge_without_a_cluster_is_infra_and_nothing_is_played(play: Callable[..., Play]) -> None:
    bench = play()
    bench.write("s", "  - status: completed\n")
    file = bench.folder / "scenarios" / "s.yaml"
    file.write_text(file.read_text().replace("hello}}}", "hello}}, edges: [{from: a, to: b, refuse: true}]}"))
    assert await bench() == {"s/scenario.valid": "infra"}
    assert not any(isinstance(event.body, Operation) for event in bench.recorder.events)


async def test_a_script_that_the_mock_refuses_is_a_mistake_that_names_the_scenario(
    play: Callable[..., Play],
) -> None:
    bench = play()
    bench.write("s", "  - status: completed\n")
    file = bench.folder / "scenarios" / "s.yaml"
    file.write_text(file.read_text().replace("{say: hello}", "{sya: hello}"))
    with pytest.raises(ConfigError, match=r"s: given\.llm\.script is refused"):
        await bench()


async def test_repetition_gives_a_rate_with_its_interval(play: Callable[..., Play]) -> None:
    bench = play("broken-tool", "gives-up")
    bench.write("s", "  - status: failed\n", more="repeat: {times: 6, at_least: 0.5}\n")
    outcomes = await bench()
    assert outcomes["s/scenario.reliability"] == "pass"
    reliability = next(check for check in bench.checks if check.check == "scenario.reliability")
    assert "95% interval" in reliability.detail


async def test_one_key_is_one_task_only_where_the_service_says_so(play: Callable[..., Play]) -> None:
    together = "when:\n  - together:\n      - {task: {prompt: x, key: k}}\n      - {task: {prompt: x, key: k}}\n"
    bench = play("no-idempotency")
    bench.write("s", "  - effects: {tool: look, exactly: 1}\n")
    file = bench.folder / "scenarios" / "s.yaml"
    file.write_text(re.sub(r"when:\n.*\n", together, file.read_text()))
    assert (await bench())["s/then.1.effects"] == "fail"


async def test_stop_ends_the_suite_early(play: Callable[..., Play]) -> None:
    bench = play("hangs")
    bench.write("s", "  - status: completed\n")
    running = asyncio.create_task(bench())
    await asyncio.sleep(0.3)
    bench.stop.set()
    await asyncio.wait_for(running, 5)
    last = bench.recorder.events[-1].body
    assert isinstance(last, SuiteEnded)
    assert last.outcome == "interrupted"
