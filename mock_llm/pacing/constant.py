"""A fixed time to the first token, then tokens at a fixed rate."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from mock_llm.codecs.protocol import Frame
from mock_llm.pacing.pacing import Load, pacing


@pacing("constant")
@dataclass(frozen=True, slots=True)
class Constant:
    """`ttft` seconds to the first token, `inter_token` seconds for each token after it."""

    kind: ClassVar[str]

    ttft: float = 0.0
    inter_token: float = 0.0

    def schedule(self, frames: Sequence[Frame], rng: random.Random, load: Load) -> Sequence[float]:
        at, spoken, offsets = self.ttft, 0, []
        for frame in frames:
            if frame.tokens:
                at += self.inter_token * (frame.tokens if spoken else frame.tokens - 1)
                spoken += frame.tokens
            offsets.append(at)
        return offsets
