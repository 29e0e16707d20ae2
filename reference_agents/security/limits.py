"""How often a caller may call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from reference_agents.common.clock import Clock


@dataclass
class RateLimit:
    """A token bucket for each caller, in each replica: `per_minute` on average, a sixth of that at once.

    Kept in the process on purpose: it protects the process, and goes on while the store is down.
    """

    clock: Clock
    default_per_minute: int
    limits: Mapping[str, int]
    _left: dict[str, tuple[float, float]] = field(default_factory=dict)

    def wait_s(self, caller: str) -> float:
        """0 and one call less, or the seconds after which there is one again. A limit of 0 is none."""
        rate = self.limits.get(caller, self.default_per_minute) / 60.0
        if rate <= 0:
            return 0.0
        burst, now = max(1.0, rate * 10), self.clock.monotonic()
        left, at = self._left.get(caller, (burst, now))
        left = min(burst, left + (now - at) * rate)
        if left >= 1.0:
            self._left[caller] = (left - 1.0, now)
            return 0.0
        self._left[caller] = (left, now)
        return (1.0 - left) / rate
