"""A fixed time to the first token, then tokens at a fixed rate."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from mock_llm.codecs.protocol import Frame
from mock_llm.pacing._tokens import offsets
from mock_llm.pacing.pacing import Load, pacing


@pacing("constant")
@dataclass(frozen=True, slots=True)
class Constant:
    """`ttft` seconds to the first token, `inter_token` seconds for each token after it (or `tokens_per_second`).

    prefill: seconds for each prompt token that was not in the cache, on top of `ttft`.
    """

    kind: ClassVar[str]

    ttft: float = 0.0
    inter_token: float = 0.0
    tokens_per_second: float | None = None
    prefill: float = 0.0

    def __post_init__(self) -> None:
        if self.tokens_per_second is not None and self.tokens_per_second <= 0:
            raise ValueError("tokens_per_second must be above 0")

    def schedule(self, frames: Sequence[Frame], rng: random.Random, load: Load) -> Sequence[float]:
        each = 1 / self.tokens_per_second if self.tokens_per_second else self.inter_token
        first = self.ttft + self.prefill * max(0, load.prompt_tokens - load.cached_tokens)
        return offsets(frames, first, lambda: each)
