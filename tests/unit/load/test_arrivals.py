"""The schedule: seeded, in order, at the rate that the profile says, the same for any number of workers."""

from __future__ import annotations

import itertools
import random
import statistics
from typing import Any

import pytest

from harness.load.arrivals import schedule
from harness.load.profile import Profile


def profile(**more: Any) -> Profile:
    phases = more.pop("phases", [{"name": "all", "factor": 1, "seconds": 200}])
    return Profile.model_validate({"peak": 50, "phases": phases, **more})


def times(spec: Profile, seed: int = 1) -> list[float]:
    return [arrival.at for arrival in schedule(spec, random.Random(seed))]


@pytest.mark.parametrize("process", ["constant", "poisson", "gamma"])
def test_the_same_seed_gives_the_same_schedule_and_another_seed_another(process: str) -> None:
    spec = profile(arrivals=process)
    first = list(schedule(spec, random.Random(1)))
    assert first == list(schedule(spec, random.Random(1)))
    assert first != list(schedule(spec, random.Random(2)))


@pytest.mark.parametrize("process", ["constant", "poisson", "gamma"])
def test_the_rate_is_kept_and_time_never_goes_back(process: str) -> None:
    at = times(profile(arrivals=process))
    assert at == sorted(at)
    assert at[0] >= 0 and at[-1] <= 200
    assert len(at) == pytest.approx(10_000, rel=0.08)


@pytest.mark.parametrize(("process", "dispersion"), [("constant", 0.0), ("poisson", 1.0), ("gamma", 4.0)], ids=str)
def test_gaps_vary_as_their_process_says(process: str, dispersion: float) -> None:
    at = times(profile(arrivals=process, burstiness=4.0))
    gaps = [later - sooner for sooner, later in itertools.pairwise(at)]
    squared = statistics.pvariance(gaps) / statistics.mean(gaps) ** 2
    assert squared == pytest.approx(dispersion, rel=0.15, abs=1e-9)


def test_a_ramp_spreads_its_arrivals_as_the_integral_of_its_rate() -> None:
    ramp = [{"name": "ramp", "factor": 0, "to": 10, "seconds": 20}]
    at = times(profile(arrivals="constant", phases=ramp))
    assert len(at) == 5_000  # half of 10 x 50/s x 20 s
    assert sum(t <= 10 for t in at) == pytest.approx(1_250, abs=1)  # a quarter in the first half


def test_a_ramp_down_to_nothing_ends_where_its_phase_does() -> None:
    at = times(profile(arrivals="constant", phases=[{"name": "down", "factor": 10, "to": 0, "seconds": 20}]))
    assert len(at) == 5_000
    assert at[-1] == pytest.approx(20)


def test_a_pause_has_no_arrivals_and_what_follows_keeps_its_place() -> None:
    phases = [
        {"name": "before", "factor": 1, "seconds": 2},
        {"name": "pause", "factor": 0, "seconds": 5},
        {"name": "after", "factor": 1, "seconds": 2},
    ]
    arrivals = list(schedule(profile(arrivals="constant", phases=phases), random.Random(1)))
    assert {a.phase for a in arrivals} == {"before", "after"}
    assert all(a.at <= 2 if a.phase == "before" else 7 <= a.at <= 9 for a in arrivals)


@pytest.mark.parametrize("workers", [2, 3, 7])
def test_workers_that_share_a_schedule_send_it_whole_and_once(workers: int) -> None:
    whole = list(schedule(profile(), random.Random(1)))
    shares = [
        [a for a in schedule(profile(), random.Random(1)) if a.number % workers == index] for index in range(workers)
    ]
    assert sorted(itertools.chain(*shares), key=lambda a: a.number) == whole


def test_the_mix_is_kept() -> None:
    arrivals = list(schedule(profile(mix={"run": 3, "submit": 1}), random.Random(1)))
    assert sum(a.kind == "run" for a in arrivals) / len(arrivals) == pytest.approx(0.75, abs=0.03)
