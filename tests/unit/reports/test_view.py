"""What every report shows."""

from __future__ import annotations

from harness.core.clock import ManualClock
from harness.core.events import Alert, Sample
from harness.core.verdict import Verdict
from harness.evidence.rundir import RunDir
from harness.reports.view import quantile, view_of


def test_the_worst_verdict_is_the_runs_and_its_fix_comes_first(run: RunDir) -> None:
    view = view_of(run)
    assert view.verdict is Verdict.FAIL
    assert "mend chaos/kill/lost" in view.first[0]
    assert [row.name for row in view.suites] == ["contracts", "scenarios", "load", "chaos"]
    assert view.suites[3].counts == {"FAIL": 1, "INFRA": 1}


def test_the_timeline_counts_arrivals_and_errors_by_second(run: RunDir) -> None:
    rows = view_of(run).timeline
    assert [(row.t, row.arrivals, row.ok, row.errors) for row in rows] == [(0, 2, 0, 1), (1, 2, 2, 0), (2, 0, 1, 0)]
    assert rows[1].p50 == 1.5 and rows[1].p99 == 2.5


def test_a_fault_is_a_band_from_injection_to_undoing_with_its_witness(run: RunDir) -> None:
    [fault] = [band for band in view_of(run).bands if band.kind == "fault"]
    assert (fault.start, fault.witnessed, fault.end) == (4.0, 5.0, 6.0)
    assert [mark.label for mark in view_of(run).marks] == ["Killed a"]


def test_evidence_is_quoted_from_the_events_it_names(run: RunDir) -> None:
    assert list(view_of(run).excerpts) == ["main-3"]


def test_quantiles_are_nearest_rank() -> None:
    assert quantile([], 0.5) is None
    assert [quantile([1, 2, 3, 4], q) for q in (0.0, 0.5, 0.75, 0.99, 1.0)] == [1, 2, 3, 4, 4]


def test_an_alert_is_a_band_while_it_fires(run: RunDir) -> None:
    with run.recorder("late", ManualClock(now=50.0)) as recorder:
        for at, stage, agent in ((51.0, "firing", "search"), (53.0, "over", "search"), (52.0, "firing", "data")):
            body = Alert.model_validate({"stage": stage, "alert": "High", "labels": {"agent": agent}})
            recorder.emit(body, at=at)
    bands = {band.label: (band.start, band.end) for band in view_of(run).bands if band.kind == "alert"}
    assert bands["High search"] == (1.0, 3.0)
    assert bands["High data"][0] == 2.0  # to the end of the run


def test_gauges_that_moved_stand_on_the_timeline_the_highest_of_their_pods(run: RunDir) -> None:
    def gauge(name: str, value: float, pod: str, kind: str = "gauge") -> Sample:
        labels = {"pod": pod, "model": "m"}
        return Sample.model_validate({"service": "a", "name": name, "value": value, "labels": labels, "kind": kind})

    rows = [
        (0.1, gauge("breaker", 0, "p")), (0.1, gauge("breaker", 0, "q")), (0.1, gauge("flat", 3, "p")),
        (0.1, gauge("n_total", 1, "p", "counter")), (1.2, gauge("n_total", 2, "p", "counter")),
        (1.2, gauge("breaker", 2, "q")), (2.3, gauge("up", 0, "q")),
    ]  # fmt: skip
    with run.recorder("late", ManualClock(now=50.0)) as recorder:
        for at, body in rows:
            recorder.emit(body, at=50.0 + at)
    (line,) = view_of(run).gauges
    assert (line.label, line.values) == ("breaker m", (0, 2, 0))
