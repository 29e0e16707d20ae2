"""From when an expression held to when its alert fired."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Firing:
    """An alert fired from `start` on, in seconds; `end` is None where it still did at the last look."""

    start: float
    end: float | None


def firings(held: Sequence[float], *, step: float, for_s: float, last: float) -> list[Firing]:
    """The stretches in which an alert fired. `held` are the times at which its expression did, looked at every
    `step` up to `last`: it has to hold for `for_s` without a gap, and is over at the first look that finds it not."""
    found: list[Firing] = []
    begun = before = None
    for at in [*held, None]:
        if begun is not None and before is not None and (at is None or at - before > step * 1.5):
            if before - begun >= for_s:
                found.append(Firing(begun + for_s, None if before + step > last else before + step))
            begun = None
        if begun is None:
            begun = at
        before = at
    return found
