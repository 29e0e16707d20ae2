"""Recorded is served, where nothing was lost on the way."""

from __future__ import annotations

import pytest

from harness.checkers.tokens_accounted import ONE_ANSWER, tokens_accounted
from harness.core.clock import RealClock
from harness.core.events import Check, Event, Operation, Sample
from harness.core.findings import Finding
from harness.core.verdict import Verdict
from harness.evidence.recorder import MemoryRecorder

ZERO = {"recorded": 100.0, "served": 90.0, "lost": 2.0, "unseen": 1.0, "still": 1.0}


def marked(suite: str = "load", **grown: float) -> list[Event]:
    """A mark before and one after, in which each figure is larger by so much (`still` is as given)."""
    recorder = MemoryRecorder(clock=RealClock())
    still = grown.pop("still", 1.0)
    for row in (ZERO, {**{k: v + grown.get(k, 0.0) for k, v in ZERO.items()}, "still": still}):
        samples = (Sample(service="", name=f"windtunnel_tokens_{name}", value=value) for name, value in row.items())
        recorder.emit_all(samples, suite=suite)
    return recorder.events


def judged(**grown: float) -> list[Finding]:
    return list(tokens_accounted(marked(**grown)))


def test_recorded_is_served() -> None:
    (found,) = judged(recorded=500, served=500)
    assert (found.verdict, found.id) == (Verdict.PASS, "load/tokens_accounted")
    assert found.summary == "500 tokens recorded, just what the LLM served"
    assert all(row.events for row in found.evidence)


def test_tokens_that_nobody_recorded_are_a_failure_with_the_figure() -> None:
    (found,) = judged(recorded=400, served=500)
    assert (found.verdict, found.summary) == (Verdict.FAIL, "400 tokens recorded, 100 fewer than what the LLM served")


@pytest.mark.parametrize("trouble", [{"lost": 1}, {"unseen": 1}, {"still": 0.0}])
def test_fewer_are_no_failure_where_some_may_have_got_lost(trouble: dict[str, float]) -> None:
    assert judged(recorded=400, served=500, **trouble) == []
    assert judged(recorded=500, served=500, **trouble) == []


@pytest.mark.parametrize("trouble", [{}, {"lost": 1}, {"unseen": 1}])
def test_more_recorded_than_served_is_always_wrong(trouble: dict[str, float]) -> None:
    (found,) = judged(recorded=600, served=500, **trouble)
    assert (found.verdict, found.summary) == (Verdict.FAIL, "600 tokens recorded, 100 more than what the LLM served")


def test_no_tokens_and_no_second_mark_show_nothing() -> None:
    assert judged() == []
    assert list(tokens_accounted(marked(recorded=5, served=5)[:5])) == []
    assert list(tokens_accounted([])) == []


@pytest.mark.parametrize(
    "called_off",
    [
        Operation(step="invoke", op="a", process="p", kind="cancel"),
        Check(check="tasks.cancel.late", subject="s", title="t", outcome="pass"),
    ],
)
def test_an_answer_to_a_task_that_was_called_off_may_have_been_read_by_nobody(called_off: Operation | Check) -> None:
    def judged(suite: str, **grown: float) -> list[Finding]:
        recorder = MemoryRecorder(clock=RealClock())
        recorder.emit(called_off, suite=suite)
        return list(tokens_accounted([*recorder.events, *marked(**grown)]))

    assert judged("load", recorded=400, served=500) == []
    too_much = judged("load", recorded=400, served=400 + ONE_ANSWER + 1)  # no single answer explains it
    assert [one.verdict for one in too_much] == [Verdict.FAIL]
    assert [one.verdict for one in judged("load", recorded=500, served=500)] == [Verdict.PASS]
    assert [one.verdict for one in judged("load", recorded=600, served=500)] == [Verdict.FAIL]
    assert [one.verdict for one in judged("chaos", recorded=400, served=500)] == [Verdict.FAIL]  # another suite's
