"""When the frames of an answer leave that was recorded in another protocol's."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from mock_llm.codecs.protocol import Frame
from mock_llm.pacing.pacing import Load


@dataclass(frozen=True, slots=True)
class Stretched:
    """The first frame leaves when the first recorded one did, the last when the last did, the others evenly between."""

    kind: ClassVar[str] = "stretched"

    first: float
    last: float

    def schedule(self, frames: Sequence[Frame], rng: random.Random, load: Load) -> Sequence[float]:
        if len(frames) < 2:
            return [self.last] * len(frames)
        step = (self.last - self.first) / (len(frames) - 1)
        return [self.first + step * index for index in range(len(frames) - 1)] + [self.last]
