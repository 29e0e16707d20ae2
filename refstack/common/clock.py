"""The stack's only reader of clocks."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Time as an argument."""

    def monotonic(self) -> float:
        """Seconds that never go back, for durations."""

    def epoch(self) -> float:
        """Seconds since 1970, for what other machines read: leases, ledgers."""


class RealClock:
    """The machine's clocks."""

    def monotonic(self) -> float:
        return time.monotonic()

    def epoch(self) -> float:
        return time.time()
