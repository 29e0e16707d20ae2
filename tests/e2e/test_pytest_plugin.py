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
