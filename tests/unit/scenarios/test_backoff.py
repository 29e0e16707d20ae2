"""The assertion `backoff`: growth and jitter are told from pauses that are constant, in step, or none at all."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from pydantic import ValidationError

from harness.evidence.traces.span import Span
from harness.scenarios.observation import ModelCall, Observation
from harness.scenarios.then.backoff import GROWTH, Backoff, _nine_in_ten

Wait = Callable[[random.Random, int], float]
WAITS: dict[str, tuple[Wait, bool, str]] = {
    "full jitter": (lambda rng, n: rng.uniform(0, 0.25 * 2**n), True, "then up to"),
    "equal jitter": (lambda rng, n: 0.25 * 2**n * rng.uniform(0.5, 1), True, "then up to"),
    "none": (lambda rng, n: rng.uniform(0, 0.01), False, "at once"),
    "constant": (lambda rng, n: 0.5 + rng.uniform(0, 0.005), False, "do not grow"),
    "constant with jitter": (lambda rng, n: rng.uniform(0, 0.5), False, "do not grow"),
    "in step": (lambda rng, n: 0.25 * 2**n + rng.uniform(0, 0.005), False, "no jitter"),
}


def chains(wait: Wait, count: int) -> Observation:
    """`count` calls, each with three attempts of 10 ms, seen in spans and in the journal."""
    rng = random.Random(7)
    spans, models = [], []
    for call in range(count):
        at, trace = 100.0 * call, f"{call:032x}"
        for attempt in range(3):
            start, end = round(at * 1e9), round((at + 0.01) * 1e9)
            name = {"gen_ai.tool.name": "search"}
            spans.append(Span(trace, f"{attempt:016x}", "", "s", "internal", "agent", start, end, name))
            models.append(ModelCall("m", 500 if attempt < 2 else 200, at=at, duration_s=0.01, trace_id=trace))
            at += 0.01 + wait(rng, attempt)
    rng.shuffle(spans)
    return Observation(answers=(), spans=tuple(spans), models=tuple(models))


@pytest.mark.parametrize("wish", [Backoff(tool="search"), Backoff(models=True)], ids=["tool", "models"])
@pytest.mark.parametrize("name", WAITS)
def test_backoff_is_told_from_what_is_none(wish: Backoff, name: str) -> None:
    wait, holds, said = WAITS[name]
    claim = wish.judge(chains(wait, 40))
    assert claim.holds is holds
    assert said in claim.detail


def test_healthy_backoff_is_all_but_never_turned_down_also_with_a_few_pauses_that_the_machine_made() -> None:
    rng, wrong = random.Random(1), 0
    for _ in range(2000):
        first, second = ([rng.uniform(0, top) for _ in range(40)] for top in (0.25, 0.5))
        first[0] = first[1] = 3.0  # the machine stood still
        wrong += _nine_in_ten(second) < GROWTH * _nine_in_ten(first)
    assert wrong <= 2


def test_too_few_calls_show_nothing() -> None:
    wait = WAITS["full jitter"][0]
    assert Backoff(tool="search").judge(chains(wait, 39)).holds is None
    assert Backoff(tool="other").judge(chains(wait, 40)).holds is None
    assert Backoff(tool="search").judge(Observation(answers=())).holds is None


@pytest.mark.parametrize("wrong", [{}, {"tool": "a", "models": True}])
def test_it_is_about_one_thing(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="either tool or models"):
        Backoff.model_validate(wrong)
