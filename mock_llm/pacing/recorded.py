"""Times taken from measurements of a real provider."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from mock_llm.codecs.protocol import Frame
from mock_llm.pacing._tokens import offsets
from mock_llm.pacing.pacing import Load, pacing


@pacing("recorded")
@dataclass(frozen=True, slots=True)
class Recorded:
    """Draws the time to first token from `ttft` and each time between tokens from `inter_token`, lists in seconds.

    in_order: plays `inter_token` from its start, round and round, instead of drawing.
    """

    kind: ClassVar[str]

    ttft: Sequence[float] = (0.0,)
    inter_token: Sequence[float] = (0.0,)
    in_order: bool = False

    def __post_init__(self) -> None:
        if not self.ttft or not self.inter_token or min(*self.ttft, *self.inter_token) < 0:
            raise ValueError("ttft and inter_token are lists of seconds, neither empty nor negative")

    def schedule(self, frames: Sequence[Frame], rng: random.Random, load: Load) -> Sequence[float]:
        played = 0

        def gap() -> float:
            nonlocal played
            played += 1
            return self.inter_token[(played - 1) % len(self.inter_token)]

        first = rng.choice(self.ttft)
        return offsets(frames, first, gap if self.in_order else lambda: rng.choice(self.inter_token))
