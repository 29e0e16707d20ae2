"""A histogram as Prometheus counts it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

# Seconds; models need from milliseconds (scripted) to minutes (reasoning).
BOUNDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)


class Histogram:
    """Counts by upper bound; a value on a bound belongs below it."""

    __slots__ = ("_counts", "total")

    def __init__(self) -> None:
        self._counts = [0] * (len(BOUNDS) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        self._counts[bisect_left(BOUNDS, value)] += 1
        self.total += value

    @property
    def count(self) -> int:
        return sum(self._counts)

    def buckets(self) -> Iterator[tuple[str, int]]:
        """Each bound as Prometheus writes it, and how many values are not above it; last `+Inf`."""
        below = 0
        for bound, count in zip((*map(repr, BOUNDS), "+Inf"), self._counts, strict=True):
            below += count
            yield bound, below
