"""The undo log and its steps: plain data, safe to repeat, never passed over."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.faults.heal import heal
from harness.faults.undo_log import UndoLog, UndoRecord
from harness.faults.undo_steps import (
    HttpStep,
    RemoveStep,
    SignalStep,
    StepError,
    carry_out,
    from_json,
    start_time,
    to_json,
)


def closed_url() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/x"


STEPS = st.one_of(
    st.builds(
        HttpStep,
        st.sampled_from(["PUT", "DELETE"]),
        st.text(min_size=1),
        ok=st.lists(st.integers(200, 599)).map(tuple),
        body=st.none() | st.dictionaries(st.text(), st.integers()),
        headers=st.dictionaries(st.text(), st.text()),
    ),
    st.builds(SignalStep, st.integers(1), st.integers(1)),
    st.builds(RemoveStep, st.text(min_size=1)),
)


@given(STEPS)
def test_a_step_comes_back_from_disk_as_it_was(step: HttpStep | SignalStep | RemoveStep) -> None:
    assert from_json(json.loads(json.dumps(to_json(step)))) == step


def test_a_step_of_another_version_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown undo step 'teleport'"):
        from_json({"do": "teleport"})
    with pytest.raises(ValueError, match="malformed"):
        from_json({"do": "remove", "way": "x"})


def test_removing_is_safe_to_repeat(tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.touch()
    for _ in range(2):
        RemoveStep(str(file)).carry_out()
    assert not file.exists()


def test_a_process_is_continued_and_a_later_one_with_its_pid_is_left_alone() -> None:
    process = subprocess.Popen(["sleep", "60"])
    try:
        start = start_time(process.pid)
        assert start is not None
        os.kill(process.pid, signal.SIGSTOP)
        assert "gone" in SignalStep(process.pid, start - 1, int(signal.SIGKILL)).carry_out()
        assert process.poll() is None
        assert "SIGCONT" in SignalStep(process.pid, start, int(signal.SIGCONT)).carry_out()
    finally:
        process.kill()
        process.wait()
    assert "gone" in SignalStep(process.pid, start, int(signal.SIGCONT)).carry_out()


def test_a_cluster_that_is_gone_took_its_faults_with_it(tmp_path: Path) -> None:
    url, state = closed_url(), tmp_path / "state.json"
    step = HttpStep("DELETE", url, state_file=str(state))
    assert "the cluster is gone" in carry_out(step, timeout_s=0)
    dead = {"pid": os.getpid(), "pid_started": 1}
    state.write_text(json.dumps(dead))
    assert "the cluster is gone" in carry_out(step, timeout_s=0)
    state.write_text(json.dumps({**dead, "pid_started": start_time(os.getpid())}))
    with pytest.raises(StepError):
        carry_out(step, timeout_s=0)


def test_nothing_listening_is_no_proof_without_a_state_file() -> None:
    with pytest.raises(StepError) as refused:
        carry_out(HttpStep("DELETE", closed_url()), timeout_s=0)
    assert refused.value.again


def test_faults_are_undone_last_first(tmp_path: Path) -> None:
    log = UndoLog(tmp_path)
    for name in ("b", "c", "a"):
        log.write(UndoRecord(name, "kind", "it", ()))
    assert [record.id for record in log.records()] == ["a", "c", "b"]


def test_every_step_is_tried_also_after_one_that_failed(tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.touch()
    log = UndoLog(tmp_path)
    record = log.write(UndoRecord("f", "k", "s", (RemoveStep(str(file)), RemoveStep(str(tmp_path))), stage="injected"))
    after = log.undo(record, by="test", timeout_s=0)
    assert after.stage == "failed"
    assert not file.exists()


def test_a_record_that_nobody_can_read_is_a_failure_and_is_kept(tmp_path: Path) -> None:
    (tmp_path / "undo").mkdir()
    torn = tmp_path / "undo" / "torn.json"
    torn.write_text('{"v": 1, "id"')
    report = heal(tmp_path)
    assert report.exit_code == 3
    assert str(torn) in report.failed[0]
    assert torn.read_text() == '{"v": 1, "id"'


def test_healing_twice_has_nothing_to_do_the_second_time(tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.touch()
    UndoLog(tmp_path).write(UndoRecord("f", "disk_full", "x", (RemoveStep(str(file)),), stage="injected"))
    assert len(heal(tmp_path).undone) == 1
    assert heal(tmp_path) == heal(tmp_path / "never")


def test_a_name_that_would_leave_the_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot be the name"):
        UndoLog(tmp_path).write(UndoRecord("../x", "k", "s", ()))


def test_the_watchdog_needs_nothing_but_the_standard_library() -> None:
    code = (
        "import sys; before = set(sys.modules); import harness.faults.watchdog; "
        "print([m for m in set(sys.modules) - before "
        "if m.split('.')[0] not in sys.stdlib_module_names and m.split('.')[0] != 'harness'])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
