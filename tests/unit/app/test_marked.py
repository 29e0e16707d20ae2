"""What the marks do, on tests and histories made here."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness import marks
from harness.app.marked import repeated, within
from harness.core.clock import ManualClock
from harness.core.errors import ConfigError, Failure, InfraError
from harness.core.events import Operation
from harness.evidence.recorder import MemoryRecorder


def outcomes(*words: str) -> Callable[[], None]:
    """A test that passes, fails, or cannot be carried out, in this order."""
    left = iter(words)

    def test() -> None:
        word = next(left)
        if word == "infra":
            raise InfraError("no port was free")
        assert word == "ok", word

    return test


def numbers(*words: str, times: int, needed: int) -> list[int]:
    seen = [1]
    repeated(outcomes(*words), times, needed, seen.append)
    return seen


def test_a_test_is_run_until_enough_of_its_runs_have_passed() -> None:
    assert numbers("ok", "ok", "ok", times=3, needed=3) == [1, 2, 3]
    assert numbers("ok", "bad", "ok", times=10, needed=2) == [1, 2, 3]
    assert numbers("infra", "ok", times=2, needed=1) == [1, 2]


def test_it_ends_with_the_first_failure_once_too_few_can_pass() -> None:
    seen: list[int] = []
    with pytest.raises(
        Failure, match=r"1 of 3 runs passed, 9 of 10 are wanted .*the first to fail was run 2"
    ) as raised:
        repeated(outcomes("ok", "bad", "worse"), 10, 9, seen.append)
    assert seen == [2, 3]
    assert isinstance(raised.value.__cause__, AssertionError) and "bad" in str(raised.value.__cause__)


def test_runs_that_could_not_be_carried_out_leave_it_undecided_and_a_users_mistake_ends_it() -> None:
    with pytest.raises(Failure, match=r"1 of 1 runs passed, 2 of 2 are wanted.*1 could not be carried out: no port"):
        repeated(outcomes("ok", "infra"), 2, 2, lambda number: None)

    def mistaken() -> None:
        raise ConfigError("which agent is meant?")

    with pytest.raises(ConfigError):
        repeated(mistaken, 5, 1, lambda number: None)


def history(*latencies: float | None) -> MemoryRecorder:
    """One task handed in for each latency in seconds; None is an error after 1 s."""
    recorder = MemoryRecorder(clock=ManualClock())
    for number, seconds in enumerate(latencies):
        op = {"op": str(number), "kind": "run", "service": "a", "process": "test"}
        recorder.emit(Operation(**op, step="invoke"))
        ended = {"step": "ok", "code": 200, "latency_s": seconds}
        failed = {"step": "fail", "code": 503, "latency_s": 1.0, "error": "HTTP 503"}
        recorder.emit(Operation(**op, **(ended if seconds is not None else failed)))
    return recorder


def test_an_slo_is_held_against_all_that_was_handed_in() -> None:
    events = history(0.1, 0.2, 0.3, None).events
    within({"p50_s": 0.2, "error_rate": 0.25, "goodput": 0.75, "p99_s": 1.0}, events)
    with pytest.raises(Failure, match=r"(?s)4 requests.*error_rate is 0.25, at most 0.1.*run a: 1.000 s, HTTP 503"):
        within({"error_rate": 0.1}, events)
    with pytest.raises(Failure, match=r"goodput is 0.5, at least 0.9"):
        within({"goodput": 0.9, "p99_s": 2.0}, history(0.1, 3.0).events[:4])
    with pytest.raises(Failure, match="nothing to judge"):
        within({"p50_s": 1.0}, [])


def test_a_mark_that_says_nothing_is_a_mistake_where_it_stands() -> None:
    with pytest.raises(ValueError, match="name at least one"):
        marks.scenario()
    with pytest.raises(ValueError, match="p42_s"):
        marks.slo(p42_s=1)
    with pytest.raises(ValueError, match="0 of 3"):
        marks.repeat(3, min_pass=0)
    assert marks.repeat(3).args == (3, 3)
