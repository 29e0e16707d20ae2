"""What an edge saw: counters that nobody who injects a fault can write."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass
class Witness:
    """Counts of one edge since the cluster began. Delays are measured from arrival to departure of a chunk."""

    opened: int = 0
    refused: int = 0
    held: int = 0  # connections or chunks that a black hole swallowed
    reset: int = 0
    failed: int = 0  # no ready pod behind the service, or it did not accept
    stalled: int = 0  # chunks that were lost and sent again
    half_open: int = 0  # connections whose far side is gone, and whose caller does not know
    rewritten: int = 0  # answers of the service that were changed
    answered: int = 0  # requests that an http fault answered instead of the service
    bytes_up: int = 0
    bytes_down: int = 0
    delayed: int = 0
    delay_sum_ms: float = 0.0
    delay_max_ms: float = 0.0

    def saw_delay(self, seconds: float) -> None:
        milliseconds = seconds * 1000
        self.delayed += 1
        self.delay_sum_ms += milliseconds
        self.delay_max_ms = max(self.delay_max_ms, milliseconds)

    def as_dict(self) -> dict[str, float]:
        """The counters, and the mean of the delays."""
        row: dict[str, float] = asdict(self)
        row["delay_mean_ms"] = self.delay_sum_ms / self.delayed if self.delayed else 0.0
        return row
