from __future__ import annotations

from harness.checkers.recovery import recovery
from harness.core.clock import ManualClock
from harness.core.events import Check, Fault, Operation, Phase
from harness.core.findings import Finding
from harness.core.verdict import Verdict
from harness.evidence.recorder import MemoryRecorder


def judge(*, cut: bool = False, **phases: tuple[str, ...]) -> Finding:
    """What is said of tasks by phase and last state; one without a state was not seen to end."""
    clock = ManualClock()
    recorder = MemoryRecorder(clock=clock)

    def emit(body: Check | Fault | Operation | Phase) -> None:
        clock.advance(1)
        recorder.emit(body, suite="chaos", scope="x")

    emit(Check(check="experiment", subject="x", title="t", outcome="pass", payload={"checkers": ["recovery"]}))
    number = 0
    for phase, states in phases.items():
        if phase == "after":
            emit(Fault(stage="undone", fault="f", kind="k", subject="s"))
        for state in states:
            number += 1
            common = {"op": f"o{number}", "process": "p", "kind": "run", "key": f"k{number}", "phase": phase}
            emit(Operation(step="invoke", **common))
            if state:
                emit(Operation(step="ok", value={"status": state, "output": ""}, **common))
    emit(Phase(name="settle", edge="start"))
    if not cut:
        emit(Phase(name="settle", edge="end"))
    (finding,) = recovery(recorder.events)
    return finding


def test_work_that_comes_back_passes_however_deep_the_dip() -> None:
    found = judge(before=("completed",) * 4, during=("failed",) * 4, after=("completed",) * 4)
    assert found.verdict is Verdict.PASS
    assert found.metrics == {
        "goodput_before": 1.0,
        "goodput_during": 0.0,
        "goodput_after": 1.0,
        "recovered_after_s": 2.0,
    }


def test_work_that_stays_away_fails() -> None:
    found = judge(before=("completed",) * 4, after=("completed", "failed", "failed", "failed"))
    assert found.verdict is Verdict.FAIL
    assert len(found.evidence) == 3


def test_tasks_that_a_cut_hides_are_no_failures_and_no_pass() -> None:
    hidden = judge(cut=True, before=("completed",) * 4, after=("completed", "completed", "completed", ""))
    assert hidden.verdict is Verdict.INCONCLUSIVE
    assert "cut off before 1 tasks" in hidden.summary
    assert judge(before=("completed",) * 4, after=("completed", "completed", "completed", "")).verdict is Verdict.FAIL
    bad = judge(cut=True, before=("completed",) * 4, after=("failed", "failed", "failed", ""))
    assert bad.verdict is Verdict.FAIL


def test_nothing_to_compare_with_is_no_pass() -> None:
    assert judge(during=("completed",)).verdict is Verdict.INCONCLUSIVE
    assert judge(before=("failed",), after=("failed",)).verdict is Verdict.INCONCLUSIVE
    assert judge(before=("completed",)).verdict is Verdict.INCONCLUSIVE
