"""Time as an argument. This module is the only place in the harness that reads the machine's clocks."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What the harness asks of time.

    `monotonic` is in seconds and is shared by every process of one machine (CLOCK_MONOTONIC on Linux), so
    that events written by several processes can be laid on one axis. `wall` is for people and for logs.
    """

    def monotonic(self) -> float:
        """Seconds since an arbitrary fixed point; never goes back."""

    def wall(self) -> datetime:
        """The date and time, always in UTC."""


class RealClock:
    """The machine's clocks."""

    def monotonic(self) -> float:
        return time.monotonic()

    def wall(self) -> datetime:
        return datetime.now(UTC)


@dataclass
class ManualClock:
    """A clock that stands still until a test moves it."""

    now: float = 0.0
    epoch: datetime = field(default_factory=lambda: datetime(2026, 1, 1, tzinfo=UTC))

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> datetime:
        return self.epoch + timedelta(seconds=self.now)

    def advance(self, seconds: float) -> None:
        """Move time forward by `seconds`; raises ValueError for a negative step."""
        if seconds < 0:
            raise ValueError("time does not go back")
        self.now += seconds
