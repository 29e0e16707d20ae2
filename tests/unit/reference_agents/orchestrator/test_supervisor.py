"""Three attempts, 1-2-4 s between them with jitter; what cannot be mended escalates at once."""

from __future__ import annotations

import asyncio
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_agents.orchestrator.supervisor import Escalated, Recoverable, Supervisor, Unrecoverable


class Work:
    """Raises what it is given, one after the other, then returns."""

    def __init__(self, *errors: Exception) -> None:
        self.errors, self.calls = list(errors), 0

    async def __call__(self) -> str:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"


def supervisor(waits: list[float], attempts: int = 3) -> Supervisor:
    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    return Supervisor(random.Random(1), attempts, sleep=sleep)


async def test_what_works_is_not_waited_for() -> None:
    waits: list[float] = []
    assert await supervisor(waits).supervise(Work()) == ("done", 1)
    assert waits == []


async def test_what_may_work_is_tried_three_times_after_one_and_two_seconds_more_or_less() -> None:
    waits: list[float] = []
    work = Work(Recoverable("one"), Recoverable("two"))
    assert await supervisor(waits).supervise(work) == ("done", 3)
    assert 0.75 <= waits[0] <= 1.25
    assert 1.5 <= waits[1] <= 2.5


async def test_it_gives_up_after_its_attempts_with_the_last_reason() -> None:
    waits: list[float] = []
    work = Work(*(Recoverable(f"try {n}") for n in range(9)))
    with pytest.raises(Escalated, match=r"try 2 \(after 3 attempts\)") as caught:
        await supervisor(waits).supervise(work)
    assert (work.calls, caught.value.attempts, len(waits)) == (3, 3, 2)


async def test_what_cannot_be_mended_escalates_at_once() -> None:
    waits: list[float] = []
    work = Work(Unrecoverable("refused"))
    with pytest.raises(Escalated, match="refused") as caught:
        await supervisor(waits).supervise(work)
    assert (work.calls, caught.value.attempts, waits) == (1, 1, [])


async def test_it_waits_at_least_as_long_as_it_was_asked_to() -> None:
    waits: list[float] = []
    await supervisor(waits).supervise(Work(Recoverable("busy", retry_after_s=7)))
    assert waits == [7]


async def test_an_attempt_that_takes_too_long_is_another_attempt() -> None:
    waits: list[float] = []
    patient = supervisor(waits)
    patient.timeout_s = 0.01
    never = asyncio.Event()

    async def hang() -> None:
        await never.wait()

    with pytest.raises(Escalated, match=r"no answer within 0.01 s \(after 3 attempts\)"):
        await patient.supervise(hang)
    assert len(waits) == 2


@given(st.integers(0, 2**32), st.integers(0, 6))
def test_the_wait_doubles_and_strays_by_a_quarter_at_most(seed: int, attempt: int) -> None:
    wait = Supervisor(random.Random(seed)).wait_s(attempt)
    assert 0.75 * 2**attempt <= wait <= 1.25 * 2**attempt
