"""An alert has to be silent before the fault, to fire under it, and to be over after it."""

from __future__ import annotations

import pytest

from harness.checkers.alerts import alerts
from harness.core.clock import RealClock
from harness.core.events import Alert, Check, Event, Fault
from harness.core.findings import Finding
from harness.core.verdict import Verdict
from harness.evidence.recorder import Axis, MemoryRecorder

JUDGED = Alert(stage="judged", names=("High", "Low"), detail="2 rules")


def run_of(*alerts_at: tuple[float, Alert], expects: tuple[str, ...] = ("High",)) -> list[Event]:
    """An experiment `outage`, its fault in from second 10 to second 20."""
    recorder = MemoryRecorder(clock=RealClock(), axis=Axis(0.0))
    for at, stage in ((10.0, "injected"), (20.0, "undone")):
        body = Fault.model_validate({"stage": stage, "fault": "f", "kind": "llm_error", "subject": "model"})
        recorder.emit(body, suite="chaos", scope="outage", at=at)
    payload = {"injections": [], "checkers": [], "alerts": list(expects)}
    check = Check(check="experiment", subject="outage", title="t", outcome="pass", payload=payload)  # type: ignore[arg-type]
    recorder.emit(check, suite="chaos", scope="outage", at=40.0)
    for at, alert in alerts_at:
        recorder.emit(alert, at=at)
    return sorted(recorder.events, key=lambda event: event.t)


def word(stage: str, name: str = "High", agent: str = "search") -> Alert:
    return Alert.model_validate({"stage": stage, "alert": name, "labels": {"agent": agent}})


def judged(*rows: tuple[float, Alert], told: Alert | None = JUDGED) -> Finding:
    (found,) = alerts(run_of(*rows, *([(41.0, told)] if told is not None else [])))
    return found


def test_an_alert_that_fires_and_clears_passes_with_its_times() -> None:
    found = judged((14.0, word("firing")), (26.5, word("over")))
    assert (found.id, found.verdict) == ("chaos/outage/alerts/High", Verdict.PASS)
    assert found.summary == "it fired 4.0 s after the fault came, and was over 6.5 s after it went"
    assert all(row.events for row in found.evidence) and len(found.evidence) == 4


@pytest.mark.parametrize(
    ("rows", "verdict", "said"),
    [
        ((), Verdict.FAIL, "it did not fire in the 10 s of the fault"),
        (((14.0, word("firing", "Low")), (20.0, word("over", "Low"))), Verdict.FAIL, "did not fire"),
        (((2.0, word("firing")), (6.0, word("over"))), Verdict.FAIL, "did not fire"),
        (((5.0, word("firing")), (30.0, word("over"))), Verdict.INCONCLUSIVE, "it fired already when the fault came"),
        (((5.0, word("firing")),), Verdict.INCONCLUSIVE, "it fired already"),
        (((14.0, word("firing")),), Verdict.INCONCLUSIVE, "still did when the run ended"),
        (((23.0, word("firing")), (26.0, word("over"))), Verdict.INCONCLUSIVE, "3.0 s after the fault had gone"),
        (
            ((14.0, word("firing")), (15.0, word("firing", agent="data")), (26.0, word("over"))),
            Verdict.INCONCLUSIVE,
            "still",
        ),
    ],
)
def test_silence_is_a_failure_and_what_cannot_be_told_is_inconclusive(
    rows: tuple[tuple[float, Alert], ...], verdict: Verdict, said: str
) -> None:
    found = judged(*rows)
    assert found.verdict is verdict and said in found.summary and found.fix


def test_what_fires_in_a_later_experiment_is_not_this_ones() -> None:
    found = judged((14.0, word("firing")), (26.5, word("over")), (40.5, word("firing")), (60.0, word("over")))
    assert found.summary.endswith("was over 6.5 s after it went")


def test_rules_that_were_not_evaluated_are_not_run_with_what_to_do() -> None:
    found = judged(told=Alert(stage="unjudged", detail="install Prometheus"))
    assert (found.verdict, found.fix) == (Verdict.NOT_RUN, "install Prometheus")
    found = judged(told=None)
    assert found.verdict is Verdict.NOT_RUN and "[target.alerts]" in found.fix


def test_a_rule_that_is_not_there_is_a_failure_that_names_those_there_are() -> None:
    (found,) = alerts(run_of((41.0, JUDGED), expects=("Gone",)))
    assert found.verdict is Verdict.FAIL and "High, Low" in found.fix


def test_an_experiment_that_expects_none_has_no_finding() -> None:
    assert list(alerts(run_of((14.0, word("firing")), (41.0, JUDGED), expects=()))) == []
