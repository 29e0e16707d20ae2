"""How well the generator itself did, and the phases as they happened."""

from __future__ import annotations

from dataclasses import dataclass, field

from hdrh.histogram import HdrHistogram

HIGHEST_US = 3_600_000_000  # an hour


@dataclass
class Lateness:
    """How much later than due each request was really sent, in an HdrHistogram of microseconds."""

    due: int = 0
    sent: int = 0
    histogram: HdrHistogram = field(default_factory=lambda: HdrHistogram(1, HIGHEST_US, 3))

    def record(self, seconds: float) -> None:
        """One request went out, `seconds` after it was due."""
        self.sent += 1
        # A value out of range would be left out, and a late generator would look punctual.
        self.histogram.record_value(min(HIGHEST_US, max(1, int(seconds * 1e6))))

    @property
    def dropped(self) -> int:
        """Requests that were due and never sent."""
        return self.due - self.sent

    def quantile_s(self, percent: float) -> float:
        """Lateness in seconds at a percentile."""
        return float(self.histogram.get_value_at_percentile(percent)) / 1e6 if self.sent else 0.0
