"""How long to wait before trying again."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Backoff:
    """Exponential with full jitter: uniform in [0, min(most_s, first_s * 2^attempt)].

    Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """

    rng: random.Random
    first_s: float = 0.25
    most_s: float = 4.0

    def wait_s(self, attempt: int, retry_after_s: float | None = None) -> float:
        """Seconds before attempt `attempt + 1` (counted from 0), never less than what Retry-After asked."""
        jittered = self.rng.uniform(0.0, min(self.most_s, self.first_s * 2**attempt))
        return jittered if retry_after_s is None else retry_after_s + jittered * 0.1
