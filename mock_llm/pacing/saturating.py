"""A server with so many slots and a queue before them: latency grows with load, as it does in earnest."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from mock_llm.codecs.protocol import Frame
from mock_llm.pacing._tokens import offsets
from mock_llm.pacing.jittered import draw
from mock_llm.pacing.pacing import Load, pacing


@pacing("saturating")
@dataclass(frozen=True, slots=True)
class Saturating:
    """`slots` answers at a time; who comes when all are busy waits for one to be free, first come, first served.

    An answer alone takes `ttft` + `prefill` for each uncached prompt token, then `inter_token` for each token
    (seconds, spread `cv` log-normally). Beside b others it is slowed by the factor 1 + `contention` * b, as in
    batched decoding. By real time the queue is the server's; by virtual time each session's, so that runs agree.
    """

    kind: ClassVar[str]

    slots: int = 8
    ttft: float = 0.2
    inter_token: float = 0.02
    prefill: float = 0.0
    contention: float = 0.05
    cv: float = 0.0

    def __post_init__(self) -> None:
        if self.slots < 1:
            raise ValueError("slots must be at least 1")
        if min(self.ttft, self.inter_token, self.prefill, self.contention, self.cv) < 0:
            raise ValueError("times and factors must not be negative")

    def schedule(self, frames: Sequence[Frame], rng: random.Random, load: Load) -> Sequence[float]:
        now = load.now
        busy: list[float] = [until for until in load.memory.get("slots", ()) if until > now]
        # The k-th newest end among those who hold or wait for a slot is when this one gets its own.
        busy.sort()
        wait = busy[-self.slots] - now if len(busy) >= self.slots else 0.0
        slowed = 1 + self.contention * min(len(busy), self.slots - 1)
        first = self.ttft + self.prefill * max(0, load.prompt_tokens - load.cached_tokens)
        made = offsets(
            frames,
            wait + draw(rng, "lognormal", first, self.cv) * slowed,
            lambda: draw(rng, "lognormal", self.inter_token, self.cv) * slowed,
        )
        busy.append(now + (made[-1] if made else wait))
        load.memory["slots"] = busy
        return made
