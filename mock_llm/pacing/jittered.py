"""Times that vary: around a mean, with the spread and the tail of a distribution."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from mock_llm.codecs.protocol import Frame
from mock_llm.pacing._tokens import offsets
from mock_llm.pacing.pacing import Load, pacing

Shape = Literal["normal", "lognormal", "gamma"]


@pacing("jittered")
@dataclass(frozen=True, slots=True)
class Jittered:
    """`ttft` and `inter_token` are means in seconds; `ttft_cv` and `inter_token_cv` standard deviation over mean.

    tokens_per_second: instead of `inter_token`. shape: `normal` (negative draws count as 0), `lognormal` or
    `gamma`. prefill: seconds for each prompt token that was not in the cache, on top of `ttft`.
    """

    kind: ClassVar[str]

    ttft: float = 0.0
    inter_token: float = 0.0
    ttft_cv: float = 0.2
    inter_token_cv: float = 0.2
    tokens_per_second: float | None = None
    shape: Shape = "lognormal"
    prefill: float = 0.0

    def __post_init__(self) -> None:
        if self.shape not in ("normal", "lognormal", "gamma"):
            raise ValueError(f"shape is normal, lognormal or gamma, not {self.shape!r}")
        if self.tokens_per_second is not None and self.tokens_per_second <= 0:
            raise ValueError("tokens_per_second must be above 0")
        if min(self.ttft, self.inter_token, self.ttft_cv, self.inter_token_cv, self.prefill) < 0:
            raise ValueError("times and spreads must not be negative")

    def schedule(self, frames: Sequence[Frame], rng: random.Random, load: Load) -> Sequence[float]:
        each = 1 / self.tokens_per_second if self.tokens_per_second else self.inter_token
        first = draw(rng, self.shape, self.ttft, self.ttft_cv)
        first += self.prefill * max(0, load.prompt_tokens - load.cached_tokens)
        return offsets(frames, first, lambda: draw(rng, self.shape, each, self.inter_token_cv))


def draw(rng: random.Random, shape: Shape, mean: float, cv: float) -> float:
    """A number of `mean` and standard deviation `mean * cv`, not below 0.

    Log-normal: sigma^2 = ln(1 + cv^2), mu = ln(mean) - sigma^2 / 2. Gamma: shape k = 1 / cv^2, scale mean / k.
    """
    if mean <= 0 or cv == 0:
        return max(0.0, mean)
    if shape == "normal":
        return max(0.0, rng.gauss(mean, mean * cv))
    if shape == "gamma":
        k = 1 / (cv * cv)
        return rng.gammavariate(k, mean / k)
    variance = math.log1p(cv * cv)
    return rng.lognormvariate(math.log(mean) - variance / 2, math.sqrt(variance))
