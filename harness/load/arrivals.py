"""Arrival schedules: when each request is due, decided before the first is sent.

Open loop: nothing that the target does delays an arrival. Pure and seeded: the same profile and seed give the
same schedule, whatever the number of workers that share it.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from harness.load.profile import PhaseSpec, Profile

Gap = Callable[[random.Random], float]
"""Draws the time to the next arrival of a process with rate 1."""


def constant(rng: random.Random) -> float:
    """Every gap the same."""
    return 1.0


def poisson(rng: random.Random) -> float:
    """Independent arrivals: exponential gaps."""
    return rng.expovariate(1.0)


def gamma(burstiness: float) -> Gap:
    """Bursts: gamma gaps with mean 1 and variance `burstiness`."""
    return lambda rng: rng.gammavariate(1 / burstiness, burstiness)


@dataclass(frozen=True)
class Arrival:
    """One request: its number, when it is due (seconds from the start), in which phase, and how it is sent."""

    number: int
    at: float
    phase: str
    kind: str  # run or submit
    session: int
    prompt: int


def gap_of(profile: Profile) -> Gap:
    """The profile's process."""
    return {"constant": constant, "poisson": poisson, "gamma": gamma(profile.burstiness)}[profile.arrivals]


def schedule(profile: Profile, rng: random.Random) -> Iterator[Arrival]:
    """Every arrival of the profile, in order.

    A process of rate 1 is stretched by the rate at each moment (time rescaling, Daley and Vere-Jones, 7.4):
    the n-th arrival is where the integral of the rate reaches the n-th point of the unit process.
    """
    gap = gap_of(profile)
    share = profile.mix.run / (profile.mix.run + profile.mix.submit)
    edges = _edges(profile.phases)
    done = 0.0
    point = gap(rng)
    number = 0
    for phase, start in edges:
        low = phase.factor * profile.peak
        high = (phase.factor if phase.to is None else phase.to) * profile.peak
        total = (low + high) / 2 * phase.seconds
        while point <= done + total:
            at = start + _inverse(point - done, low, high, phase.seconds)
            number += 1
            yield Arrival(
                number,
                at,
                phase.name,
                "run" if rng.random() < share else "submit",
                rng.randrange(profile.sessions),
                rng.randrange(len(profile.prompts)),
            )
            point += gap(rng)
        done += total


def _edges(phases: Sequence[PhaseSpec]) -> Iterator[tuple[PhaseSpec, float]]:
    start = 0.0
    for phase in phases:
        yield phase, start
        start += phase.seconds


def _inverse(area: float, low: float, high: float, seconds: float) -> float:
    """Where the integral of a rate that goes linearly from `low` to `high` in `seconds` reaches `area`."""
    slope = (high - low) / seconds
    if abs(slope) < 1e-12:
        return area / low if low > 0 else seconds
    return (-low + math.sqrt(max(0.0, low * low + 2 * slope * area))) / slope
