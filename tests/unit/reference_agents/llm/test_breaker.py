"""The breaker against a model of it, and its promises one by one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_agents.llm.breaker import Breaker, State


class HandClock:
    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def epoch(self) -> float:
        return self.now


def opened(clock: HandClock) -> Breaker:
    breaker = Breaker(clock, failures=5, open_s=30)
    for _ in range(5):
        assert breaker.admit()
        breaker.failed()
    return breaker


def test_it_opens_after_the_fifth_failure_in_a_row_and_admits_nothing() -> None:
    breaker = opened(HandClock())
    assert breaker.state is State.OPEN
    assert not breaker.admit()


def test_a_success_in_between_starts_the_count_anew() -> None:
    breaker = Breaker(HandClock(), failures=3)
    for outcome in ("failed", "failed", "succeeded", "failed", "failed"):
        assert breaker.admit()
        getattr(breaker, outcome)()
    assert breaker.state is State.CLOSED


def test_half_open_admits_one_probe_at_a_time() -> None:
    clock = HandClock()
    breaker = opened(clock)
    clock.now += 30
    assert breaker.state is State.HALF_OPEN
    assert breaker.admit()
    assert not breaker.admit()


@pytest.mark.parametrize(("outcome", "state"), [("succeeded", State.CLOSED), ("failed", State.OPEN)])
def test_the_probe_decides(outcome: str, state: State) -> None:
    clock = HandClock()
    breaker = opened(clock)
    clock.now += 30
    assert breaker.admit()
    getattr(breaker, outcome)()
    assert breaker.state is state


def test_a_late_failure_of_an_older_call_does_not_prolong_the_pause() -> None:
    clock = HandClock()
    breaker = opened(clock)
    clock.now += 20
    breaker.failed()
    clock.now += 10
    assert breaker.state is State.HALF_OPEN


def test_an_abandoned_probe_leaves_room_for_another() -> None:
    clock = HandClock()
    breaker = opened(clock)
    clock.now += 30
    assert breaker.admit()
    breaker.abandoned()
    assert breaker.admit()


def test_a_hold_admits_nothing_until_it_is_over() -> None:
    clock = HandClock()
    breaker = Breaker(clock)
    breaker.hold(2.0)
    assert not breaker.admit()
    clock.now += 2.0
    assert breaker.admit()


@given(st.lists(st.one_of(st.sampled_from(["ok", "bad"]), st.floats(0.1, 40)), max_size=60))
def test_it_never_admits_within_the_pause_and_always_admits_again_after_it(events: list[str | float]) -> None:
    clock = HandClock()
    breaker = Breaker(clock, failures=3, open_s=30)
    row, opened_at = 0, None
    for event in events:
        if isinstance(event, float):
            clock.now += event
            continue
        due = opened_at is None or clock.now - opened_at >= 30
        assert breaker.admit() is due
        if not due:
            continue
        if event == "ok":
            row, opened_at = 0, None
            breaker.succeeded()
        else:
            row += 1
            if opened_at is not None or row >= 3:
                opened_at = clock.now
            breaker.failed()
