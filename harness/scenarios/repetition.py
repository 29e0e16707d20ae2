"""What many runs of one scenario say together."""

from __future__ import annotations

import math


def wilson(successes: int, trials: int, z: float = 1.96) -> tuple[float, float]:
    """The Wilson score interval of a rate; (0, 1) for no trials. Wilson 1927; z=1.96 gives 95%."""
    if trials == 0:
        return 0.0, 1.0
    rate = successes / trials
    scale = 1 + z * z / trials
    centre = (rate + z * z / (2 * trials)) / scale
    half = z * math.sqrt(rate * (1 - rate) / trials + z * z / (4 * trials * trials)) / scale
    return max(0.0, centre - half), min(1.0, centre + half)


def pass_hat(successes: int, trials: int, k: int) -> float | None:
    """pass^k: the chance that k runs drawn from `trials` all succeeded, C(c,k)/C(n,k); None below k trials.

    The unbiased estimator of tau-bench (Yao et al. 2024), for reliability rather than for luck.
    """
    if not 0 < k <= trials:
        return None
    return math.comb(successes, k) / math.comb(trials, k)


def decided(successes: int, failures: int, left: int, needed: float) -> bool:
    """True when the runs that are left can no longer change whether the rate reaches `needed`."""
    total = successes + failures + left
    if total == 0:
        return False
    least, most = successes / total, (successes + left) / total
    return most < needed or (least >= needed and needed < 1)
