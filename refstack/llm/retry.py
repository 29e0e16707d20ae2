"""How long to wait before the next attempt."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Backoff:
    """Exponential with full jitter: uniform in [0, min(most, first * 2^n)] (AWS architecture blog, 2015).

    A Retry-After is a floor, not a hint; one longer than `patience_s` means: do not wait, go elsewhere.
    """

    first_s: float = 0.2
    most_s: float = 4.0
    patience_s: float = 3.0

    def wait_s(self, attempt: int, retry_after_s: float | None, rng: random.Random) -> float | None:
        """Seconds before attempt `attempt`+1 (from 1); None when it is not worth waiting."""
        drawn = rng.uniform(0, min(self.most_s, self.first_s * 2 ** (attempt - 1)))
        if retry_after_s is None:
            return drawn
        return None if retry_after_s > self.patience_s else retry_after_s + drawn / 4
