"""The models of time: their means, their tails, their queue; the same seed gives the same times."""

from __future__ import annotations

import random
import statistics
from itertools import pairwise
from typing import Any

import pytest

from mock_llm.codecs.protocol import Frame
from mock_llm.pacing import PACINGS, Load, discover, from_data

discover()
FRAMES = [Frame(b"", "open"), *[Frame(b"x", "text", 1)] * 400, Frame(b"", "done")]


def _load(now: float = 0.0, memory: dict[str, Any] | None = None, prompt: int = 0, cached: int = 0) -> Load:
    return Load(now, 1, prompt, cached, {} if memory is None else memory)


def _gaps(at: Any) -> list[float]:
    return [b - a for a, b in pairwise(at[1:401])]


@pytest.mark.parametrize("kind", sorted(PACINGS))
def test_times_never_go_back_and_depend_on_the_seed_alone(kind: str) -> None:
    pacing = from_data(
        {"kind": kind, "ttft": [0.3, 0.5], "inter_token": [0.01, 0.02]}
        if kind == "recorded"
        else {"kind": kind, "ttft": 0.4, "inter_token": 0.01}
    )
    runs = [list(pacing.schedule(FRAMES, random.Random(5), _load())) for _ in range(2)]
    assert runs[0] == runs[1]
    assert runs[0] == sorted(runs[0])
    assert len(runs[0]) == len(FRAMES)
    assert runs[0][0] > 0


@pytest.mark.parametrize("shape", ["normal", "lognormal", "gamma"])
def test_jitter_keeps_mean_and_spread(shape: str) -> None:
    pacing = from_data({"kind": "jittered", "shape": shape, "tokens_per_second": 50, "inter_token_cv": 0.3})
    gaps = [gap for seed in range(20) for gap in _gaps(pacing.schedule(FRAMES, random.Random(seed), _load()))]
    assert statistics.mean(gaps) == pytest.approx(0.02, rel=0.02)
    assert statistics.stdev(gaps) / statistics.mean(gaps) == pytest.approx(0.3, rel=0.05)


@pytest.mark.parametrize("kind", ["constant", "jittered", "saturating"])
def test_prefill_costs_per_prompt_token_that_was_not_cached(kind: str) -> None:
    cv = {"jittered": {"ttft_cv": 0}}.get(kind, {})
    pacing = from_data({"kind": kind, "ttft": 0.1, "prefill": 0.001, **cv})
    assert pacing.schedule(FRAMES, random.Random(1), _load(prompt=1000, cached=400))[0] == pytest.approx(0.7)


def test_recorded_times_are_played_in_order_or_drawn() -> None:
    played = from_data({"kind": "recorded", "ttft": [0.5], "inter_token": [0.1, 0.2], "in_order": True})
    assert _gaps(played.schedule(FRAMES[:6], random.Random(1), _load())) == pytest.approx([0.1, 0.2, 0.1, 0.2])
    drawn = from_data({"kind": "recorded", "ttft": [0.5], "inter_token": [0.1, 0.2]})
    gaps = _gaps(drawn.schedule(FRAMES, random.Random(1), _load()))
    assert {round(gap, 6) for gap in gaps} == {0.1, 0.2}


def test_who_finds_every_slot_busy_waits_for_one() -> None:
    pacing = from_data({"kind": "saturating", "slots": 2, "ttft": 1, "inter_token": 0, "contention": 0})
    memory: dict[str, Any] = {}
    ends = [pacing.schedule(FRAMES, random.Random(1), _load(0.0, memory))[-1] for _ in range(6)]
    assert ends == [1, 1, 2, 2, 3, 3]
    assert pacing.schedule(FRAMES, random.Random(1), _load(10.0, memory))[-1] == 1  # the queue has drained


def test_neighbours_slow_an_answer_down() -> None:
    pacing = from_data({"kind": "saturating", "slots": 8, "ttft": 1, "inter_token": 0, "contention": 0.5})
    memory: dict[str, Any] = {}
    assert [pacing.schedule(FRAMES, random.Random(1), _load(0.0, memory))[-1] for _ in range(3)] == [1, 1.5, 2]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"kind": "jitterd"}, "did you mean jittered"),
        ({"kind": "jittered", "shape": "cauchy"}, "normal, lognormal or gamma"),
        ({"kind": "constant", "tokens_per_second": 0}, "above 0"),
        ({"kind": "saturating", "slots": 0}, "at least 1"),
        ({"kind": "recorded", "inter_token": []}, "neither empty"),
        ({"kind": "constant", "tfft": 1}, "tfft"),
    ],
)
def test_a_wrong_model_is_refused_with_what_is_wrong(data: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        from_data(data)
