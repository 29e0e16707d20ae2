"""A slow provider: the first byte comes late."""

from __future__ import annotations

from dataclasses import dataclass

from mock_llm.faults.fault import Fault, Hit, fault


@fault("latency")
@dataclass(frozen=True, slots=True)
class Latency(Fault):
    """Wait `seconds` before the first byte, plus up to `jitter` seconds more, drawn from the seed."""

    seconds: float = 1.0
    jitter: float = 0.0

    def delay(self, hit: Hit) -> float:
        return self.seconds + (hit.seed.rng("latency").random() * self.jitter if self.jitter else 0.0)
