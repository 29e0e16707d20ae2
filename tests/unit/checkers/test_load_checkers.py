"""SLOs, the generator's honesty and the drain, on literal histories whose truth is known."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.checkers.drain import drain
from harness.checkers.generator import generator
from harness.checkers.slo import slo
from harness.core.clock import ManualClock
from harness.core.events import Operation, Phase, Sample, SuiteEnded
from harness.core.findings import Checker, Finding
from harness.core.verdict import Verdict
from harness.evidence.recorder import MemoryRecorder

PASS, FAIL, UNDECIDED = Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE


class Run:
    """One load phase called `10x`."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.recorder = MemoryRecorder(clock=self.clock)
        self.ops = 0

    def emit(self, body: Any) -> None:
        self.recorder.emit(body, suite="load", scope="p")

    def op(self, latency_s: float | None, *, step: Any = "ok", code: int | None = 200, error: str = "") -> None:
        """One request; None for one that never came back."""
        self.ops += 1
        common: dict[str, Any] = {"op": f"o{self.ops}", "process": "u", "kind": "run", "phase": "10x"}
        self.emit(Operation(step="invoke", intended=0.0, **common))
        if latency_s is not None:
            self.emit(Operation(step=step, code=code, error=error, latency_s=latency_s, service_s=0.0, **common))

    def phase_end(self, *, measured: bool = True, **limits: float) -> None:
        self.emit(Phase(name="10x", edge="end", slo=limits, measured=measured))

    def worth(self, **values: float) -> None:
        for name, value in values.items():
            self.emit(Sample(service="generator", name=f"generator_{name}", value=value))

    def judge(self, checker: Checker) -> list[Finding]:
        return list(checker(self.recorder.events))


def one(findings: Iterable[Finding]) -> Finding:
    (finding,) = findings
    return finding


def judged(latencies: Iterable[float], **limits: float) -> Finding:
    run = Run()
    for latency in latencies:
        run.op(latency)
    run.phase_end(**limits)
    return one(run.judge(slo))


@given(st.lists(st.floats(0.001, 100), min_size=1, max_size=200), st.sampled_from([50, 95, 99]))
def test_a_quantile_is_the_smallest_value_that_covers_its_share(values: list[float], percent: int) -> None:
    seen = judged(values, **{f"p{percent}_s": 1.0}).metrics["seen"]
    assert seen in values
    assert sum(v <= seen for v in values) * 100 >= percent * len(values)
    assert sum(v < seen for v in values) * 100 < percent * len(values)


@pytest.mark.parametrize(("limit", "verdict"), [(0.99, PASS), (0.98, FAIL)])
def test_a_limit_is_kept_up_to_its_very_value(limit: float, verdict: Verdict) -> None:
    assert judged([n / 100 for n in range(1, 101)], p99_s=limit).verdict is verdict


def test_a_request_that_never_came_back_counts_as_an_error_and_as_the_worst_latency() -> None:
    run = Run()
    for _ in range(9):
        run.op(0.1)
    run.op(None)
    run.phase_end(p50_s=0.2, p99_s=5.0, error_rate=0.05, goodput=0.95)
    found = {f.id.rsplit("/", 1)[1]: f for f in run.judge(slo)}
    assert {name: f.verdict for name, f in found.items()} == {
        "p50_s": PASS, "p99_s": FAIL, "error_rate": FAIL, "goodput": FAIL,
    }  # fmt: skip
    assert found["error_rate"].metrics["seen"] == pytest.approx(0.1)
    assert "no answer" in found["p99_s"].summary


def test_goodput_leaves_out_answers_that_came_too_late() -> None:
    run = Run()
    for latency in (0.1, 0.1, 0.1, 3.0):
        run.op(latency)
    run.phase_end(p99_s=1.0, goodput=0.8)
    goodput = next(f for f in run.judge(slo) if f.id.endswith("goodput"))
    assert (goodput.verdict, goodput.metrics["seen"]) == (FAIL, 0.75)


def test_a_quick_refusal_is_an_error_however_quick() -> None:
    run = Run()
    run.op(0.001, step="info", code=503, error="HTTP 503")
    run.phase_end(error_rate=0.5)
    assert one(run.judge(slo)).verdict is FAIL


def test_a_phase_without_requests_proves_nothing() -> None:
    assert judged([], p99_s=1.0).verdict is UNDECIDED


def test_a_warm_up_is_not_judged() -> None:
    run = Run()
    run.op(math.pi)
    run.phase_end(measured=False, p99_s=1.0)
    assert run.judge(slo) == []


@pytest.mark.parametrize(
    ("worth", "verdict"),
    [
        ({"due": 9, "dropped": 0, "lateness_p99_seconds": 0.010}, PASS),
        ({"due": 9, "dropped": 0, "lateness_p99_seconds": 0.011}, UNDECIDED),
        ({"due": 9, "dropped": 1, "lateness_p99_seconds": 0.001}, UNDECIDED),
        ({"due": 0, "dropped": 0, "lateness_p99_seconds": 0.0}, UNDECIDED),
        ({}, UNDECIDED),
    ],
)
def test_a_generator_must_show_that_it_kept_to_its_schedule(worth: dict[str, float], verdict: Verdict) -> None:
    run = Run()
    run.op(0.1)
    run.worth(**worth)
    assert one(run.judge(generator)).verdict is verdict


def test_of_several_generators_the_latest_counts_and_drops_add_up() -> None:
    run = Run()
    run.worth(due=5, dropped=0, lateness_p99_seconds=0.020)
    run.worth(due=5, dropped=2, lateness_p99_seconds=0.001)
    finding = one(run.judge(generator))
    assert finding.verdict is UNDECIDED
    assert finding.metrics == {"lateness_p99_s": 0.020, "dropped": 2.0, "due": 10.0}


def test_a_history_without_a_schedule_says_nothing_of_a_generator() -> None:
    run = Run()
    run.emit(Operation(step="invoke", op="o", process="u", kind="run"))
    assert run.judge(generator) == []


@pytest.mark.parametrize(("answered_at", "verdict"), [(12.0, PASS), (13.5, FAIL), (None, FAIL)])
def test_everything_must_be_over_in_time_after_the_load(answered_at: float | None, verdict: Verdict) -> None:
    run = Run()
    common: dict[str, Any] = {"op": "o", "process": "u", "kind": "run", "phase": "10x"}
    run.emit(Operation(step="invoke", **common))
    run.clock.now = 10.0
    run.phase_end()
    if answered_at is not None:
        run.clock.now = answered_at
        run.emit(Operation(step="ok", code=200, **common))
    run.worth(drain_limit_seconds=3.0)
    assert one(run.judge(drain)).verdict is verdict


@pytest.mark.parametrize(
    ("outcome", "verdict"), [("completed", FAIL), ("interrupted", UNDECIDED), ("infra", UNDECIDED)]
)
def test_requests_that_a_suite_cut_off_itself_are_no_failure_of_the_service(outcome: Any, verdict: Verdict) -> None:
    run = Run()
    run.op(None)
    run.emit(Phase(name="10x", edge="end"))
    run.worth(drain_limit_seconds=3.0)
    run.emit(SuiteEnded(suite="load", outcome=outcome))
    assert one(run.judge(drain)).verdict is verdict
