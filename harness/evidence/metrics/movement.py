"""By how much counters moved, over pods that come, go and begin anew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.evidence.metrics.exposition import Series
from harness.evidence.metrics.scrape import Scrape


@dataclass
class Movement:
    """Feed it one scrape after the other; the first is where counting begins.

    A counter that is lower than before began anew, a pod that was not there began at 0. What a pod counted after
    its last scrape went with it: `unseen` names those that were lost so.
    """

    by: dict[Series, float] = field(default_factory=dict)
    unseen: dict[str, str] = field(default_factory=dict)
    _last: dict[Series, float] = field(default_factory=dict)
    _pods: set[str] = field(default_factory=set)
    _begun: bool = False

    def feed(self, scrape: Scrape) -> None:
        """Take the next scrape into account."""
        for pod in self._pods - set(scrape.up):
            self.unseen[pod] = scrape.down.get(pod, "it is gone")
        for series, value in scrape.values.items():
            before = self._last.get(series, 0.0 if self._begun else value)
            if series.cumulative and value < before:
                before = 0.0
                self.unseen.setdefault(series.pod, "it began anew")
            self.by[series] = self.by.get(series, 0.0) + value - before
            self._last[series] = value
        self._pods |= set(scrape.up)
        self._begun = True

    def sum(self, name: str, labels: Mapping[str, str] | None = None, service: str = "") -> float | None:
        """By how much the metric moved, all series with these labels together; None where nobody has it."""
        rows = [
            value
            for series, value in self.by.items()
            if series.has(name, labels or {}) and service in ("", series.service)
        ]
        return sum(rows) if rows else None
