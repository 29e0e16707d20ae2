"""The fixtures, as a user's own tests use them, in a pytest of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

TESTS = """
from harness.checkers.terminal_states import terminal_states


def test_a_killed_pod_loses_no_task(agents, fault):
    task = agents.submit("What do bees eat?", agent="agent-search")
    with fault("pod_kill", workload="agent-search"):
        done = agents.wait(task, agent="agent-search")
    assert done.status == "completed", done
    assert agents.repeated() == {}


def test_effects_and_history_are_this_test_s_own(agents, ledger, history):
    assert ledger() == []
    agents.run("What do bees eat?", agent="agent-search")
    assert {effect.tool for effect in ledger()} == {"web_search"}
    assert [event.body.step for event in history.events if event.body.type == "op"] == ["invoke", "ok"]


def test_a_fault_on_nothing_is_a_mistake(fault):
    with fault("pod_kill", workload="nobody"):
        raise AssertionError("never reached")
"""

MARKED = """
import asyncio

from harness import marks as windtunnel

RUNS = []


@windtunnel.scenario("one")
@windtunnel.slo(p95_s=30, error_rate=0)
def test_both_hold(agents, scenario):
    assert {finding.verdict for finding in scenario} == {"PASS"}
    assert agents.run("What do bees eat?", agent="agent-search").status == "completed"


@windtunnel.repeat(3)
def test_each_run_has_effects_of_its_own(agents):
    RUNS.append(agents.run("What do bees eat?", agent="agent-search").task_id)
    assert len(agents.effects()) == 1


def test_there_were_three_tasks():
    assert len(set(RUNS)) == 3


@windtunnel.slo(p50_s=0.000001)
def test_misses_its_slo(agents):
    agents.run("What do bees eat?", agent="agent-search")


@windtunnel.scenario("none-of-this-name")
def test_a_scenario_that_is_not_there():
    raise AssertionError("never reached")
"""

MOCKED = """
import httpx
import pytest

from harness import marks as windtunnel


@pytest.fixture
def scripted(mock_llm):
    mock_llm.rule(text="tide", answer="twice a day")
    return mock_llm


@windtunnel.repeat(4, min_pass=3)
def test_the_mock_begins_each_run_as_the_fixtures_left_it(scripted):
    scripted.set_response("once", step=1)
    url, asked = scripted.openai_base_url + "/chat/completions", {"role": "user", "content": "When is the tide?"}
    body = {"model": "gpt-4o", "messages": [asked]}
    said = [httpx.post(url, json=body).json()["choices"][0]["message"]["content"] for _ in range(2)]
    assert said == ["once", "twice a day"]
    scripted.assert_called(times=2)


def test_half_a_minute_of_virtual_time(mock_llm, virtual_time):
    mock_llm.pacing("constant", ttft=30, inter_token=0)
    httpx.post(mock_llm.openai_base_url + "/chat/completions", json={"model": "gpt-4o", "messages": []}, timeout=20)
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hello"}]}
    assert httpx.post(mock_llm.openai_base_url + "/chat/completions", json=body, timeout=20).is_success
    assert 30 <= virtual_time() < 31


@windtunnel.repeat(2)
async def test_a_coroutine_fails_as_any_other():
    assert not httpx.URL("http://a").host
"""


def workspace(folder: Path) -> Path:
    for name in ("contracts", "load", "chaos", "reference_agents"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "scenarios").mkdir()
    (folder / "scenarios" / "one.yaml").symlink_to(ROOT / "scenarios" / "tool-fails-agent-recovers.yaml")
    (folder / "windtunnel.toml").write_text((ROOT / "windtunnel.toml").read_text())
    return folder


def run_pytest(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    env = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST")}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *words]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=110)


@pytest.mark.slow
def test_fixtures_drive_break_and_read_the_stack(tmp_path: Path) -> None:
    folder = workspace(tmp_path)
    (folder / "test_mine.py").write_text(TESTS)
    done = run_pytest(folder, "test_mine.py")
    assert "2 passed" in done.stdout and "1 failed" in done.stdout, done.stdout + done.stderr
    assert "ConfigError" in done.stdout and "nobody" in done.stdout


@pytest.mark.slow
def test_a_suite_is_one_test_and_its_findings_are_the_message(tmp_path: Path) -> None:
    folder = workspace(tmp_path)
    (folder / "test_mine.py").write_text("def test_left_out(): raise AssertionError")
    done = run_pytest(folder, "--windtunnel", "scenarios")
    assert "1 passed" in done.stdout and done.returncode == 0, done.stdout + done.stderr
    text = (ROOT / "scenarios" / "tool-fails-agent-recovers.yaml").read_text()
    (folder / "scenarios" / "one.yaml").unlink()
    (folder / "scenarios" / "one.yaml").write_text(text.replace("then:", "then:\n  - output: {contains: purple cows}"))
    done = run_pytest(folder, "--windtunnel", "scenarios")
    assert done.returncode == 1 and "FAIL scenarios/" in done.stdout and "purple cows" in done.stdout, done.stdout
    assert "Traceback" not in done.stdout


def test_without_a_configuration_the_mistake_is_told(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, "--windtunnel", "contracts")
    assert done.returncode == 1 and "windtunnel init" in done.stdout and "Traceback" not in done.stdout, done.stdout


@pytest.mark.slow
def test_marks_play_repeat_and_judge(tmp_path: Path) -> None:
    folder = workspace(tmp_path)
    (folder / "test_mine.py").write_text(MARKED)
    done = run_pytest(folder, "test_mine.py", "--strict-markers")
    assert "3 passed" in done.stdout and "2 failed" in done.stdout, done.stdout + done.stderr
    assert "another exception" not in done.stdout
    assert "SLO missed over 1 requests" in done.stdout and "p50_s is" in done.stdout
    assert "none-of-this-name" in done.stdout and "Traceback" not in done.stdout


def test_marks_and_virtual_time_need_no_target(tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text(MOCKED)
    (tmp_path / "pytest.ini").write_text("[pytest]\nasyncio_mode = auto\n")
    done = run_pytest(tmp_path, "test_mine.py", "--strict-markers")
    assert "2 passed" in done.stdout and "1 failed" in done.stdout, done.stdout + done.stderr
    assert "0 of 1 runs passed, 2 of 2 are wanted" in done.stdout, done.stdout


def test_a_marked_coroutine_that_nothing_awaits_fails(tmp_path: Path) -> None:
    text = "from harness import marks\n\n@marks.repeat(2)\nasync def test_never_run():\n    raise AssertionError\n"
    (tmp_path / "test_mine.py").write_text(text)
    done = run_pytest(tmp_path, "test_mine.py", "-p", "no:asyncio", "-p", "no:anyio")
    assert "1 failed" in done.stdout and "nothing awaits this test" in done.stdout, done.stdout
