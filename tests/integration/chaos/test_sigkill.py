"""The runner is killed at random moments, in every fault's life: nothing must be left behind.

20 moments here; WINDTUNNEL_KILLS=200 for the long run.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.chaos.job import Job
from harness.core.clock import RealClock
from harness.core.events import Check
from harness.core.seed import Seed
from harness.evidence.rundir import RunDir
from harness.faults.heal import heal
from harness.faults.undo_log import UndoLog

KILLS = int(os.environ.get("WINDTUNNEL_KILLS", "20"))
BATCHES = 4


def document() -> dict[str, Any]:
    def action(func: str, **arguments: Any) -> dict[str, Any]:
        provider = {"type": "python", "module": "harness.chaos.actions", "func": func, "arguments": arguments}
        return {"type": "action", "name": func, "provider": provider}

    late = {"seconds": 0.2, "model": "gpt-4o"}
    outage = {"models": ["gpt-4o-mini"], "status": 429, "retry_after": 1}
    return {
        "title": "killed in the middle",
        "description": "-",
        "method": [
            action("inject", fault="llm_latency", params=late),
            action("inject", fault="llm_error", params=outage),
            action("inject", fault="pod_kill", params={"workload": "agent"}),
            action("observe", phase="during", seconds=0.3),
            action("undo"),
            action("observe", phase="after", seconds=0.2),
        ],
        "extensions": [{"name": "windtunnel", "load": {"service": "agent", "rate": 5, "prompts": ["x"]}}],
    }


def start(fake: Any, root: Path, number: int) -> subprocess.Popen[bytes]:
    (root / "chaos").mkdir(exist_ok=True)
    file = root / "chaos" / "killed.yaml"
    file.write_text(yaml.safe_dump(document()))
    run = RunDir.create(root / "reports", clock=RealClock(), seed=number)
    job = Job.of(file, fake.config(root), fake.target(root), Seed(number), run_dir=run.path, state=root / ".windtunnel")
    process = subprocess.Popen(
        [sys.executable, "-m", "harness.chaos.runner"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert process.stdin is not None
    process.stdin.write(job.model_dump_json().encode() + b"\n")
    process.stdin.flush()
    return process


def kill(process: subprocess.Popen[bytes]) -> None:
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert process.stdin is not None
    process.stdin.close()


def watchdogs(state: Path) -> list[int]:
    """Watchdogs of this state folder that still run."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"harness.faults.watchdog" in line and str(state).encode() in line:
                found.append(int(entry.name))
    return found


def until(seen: Any, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if seen():
            return True
        time.sleep(0.02)
    return bool(seen())


def begun(state: Path) -> bool:
    return (state / "undo").is_dir() and any((state / "undo").iterdir())


@pytest.mark.parametrize("batch", range(BATCHES))
def test_a_killed_runner_leaves_nothing_behind(fake: Any, tmp_path: Path, batch: int) -> None:
    rng = random.Random(f"kills {batch}")
    state = tmp_path / ".windtunnel"
    hit = 0
    for number in range(max(1, KILLS // BATCHES)):
        process = start(fake, tmp_path, number)
        # From the moment the first undo is on disk, over the whole life of three faults.
        assert until(lambda: begun(state), 20)
        time.sleep(rng.uniform(0, 1.6))
        hit += bool(fake.left())
        kill(process)
        assert until(lambda: not watchdogs(state), 40), "the watchdog did not end"
        assert fake.left() == []
        assert [record for record in UndoLog(state).records() if record.open] == []
        report = heal(state)
        assert (report.undone, report.failed, report.exit_code) == ((), (), 0)
    assert hit, "no kill came while a fault was in: this batch proved nothing"


def test_a_slow_api_that_also_answers_500_is_undone_all_the_same(fake: Any, tmp_path: Path) -> None:
    state = tmp_path / ".windtunnel"
    process = start(fake, tmp_path, 1)
    assert until(fake.left, 20)
    fake.slow_s, fake.broken = 0.4, 4
    kill(process)
    assert until(lambda: not watchdogs(state), 40)
    assert fake.left() == []
    assert [record for record in UndoLog(state).records() if record.open] == []


def test_an_injection_that_arrives_after_the_death_is_taken_back(fake: Any, tmp_path: Path) -> None:
    fake.slow_s = 1.0  # the request of the injection sleeps inside the API while its sender is killed
    state = tmp_path / ".windtunnel"
    process = start(fake, tmp_path, 1)
    assert until(lambda: begun(state), 20)
    time.sleep(0.2)
    assert fake.left() == []
    kill(process)
    fake.slow_s = 0.0
    assert until(lambda: not watchdogs(state), 40)
    time.sleep(1.2)
    assert fake.left() == []


def test_what_cannot_be_undone_is_exit_code_3_and_is_kept(fake: Any, tmp_path: Path) -> None:
    from harness.faults.undo_log import UndoRecord
    from harness.faults.undo_steps import HttpStep

    state = tmp_path / "state"
    step = HttpStep("DELETE", f"{fake.url}/nowhere", ok=(200,))
    UndoLog(state).write(UndoRecord("f1", "tool_outage", "edge x", (step,), stage="injected"))
    for _ in range(2):
        report = heal(state, timeout_s=0.2)
        assert report.exit_code == 3
        assert "answered 404" in report.failed[0]
    (record,) = UndoLog(state).records()
    assert record.stage == "failed"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_experiment_undone_and_never_as_a_pass(
    fake: Any, tmp_path: Path, number: signal.Signals
) -> None:
    process = start(fake, tmp_path, 1)
    assert until(fake.left, 20)
    os.kill(process.pid, number)
    process.wait(40)
    assert process.stdin is not None
    process.stdin.close()
    assert fake.left() == []
    (run,) = (tmp_path / "reports").iterdir()
    checks = [e.body for e in RunDir.open(run).events() if isinstance(e.body, Check)]
    assert [check.outcome for check in checks] != ["pass"]
    assert len(checks) == 1
