"""A provider that trickles: every frame late, or every few bytes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mock_llm.faults.fault import Cut, Fault, Hit, Step, Steps, fault


@fault("drip")
@dataclass(frozen=True, slots=True)
class Drip(Fault):
    """Leave `seconds` between one piece and the next. A piece is a frame, or `bytes` of it where given."""

    seconds: float = 1.0
    bytes: int | None = None

    def __post_init__(self) -> None:
        if self.bytes is not None and self.bytes < 1:
            raise ValueError("bytes must be at least 1")

    def steps(self, steps: Steps, hit: Hit) -> Steps:
        made: Steps = []
        for step in steps:
            if isinstance(step, Cut):
                made.append(replace(step, at=step.at + self.seconds * len(made)))
                continue
            data, size = step.frame.data, self.bytes or len(step.frame.data) or 1
            for at in range(0, len(data), size):
                frame = replace(step.frame, data=data[at : at + size], tokens=step.frame.tokens if at == 0 else 0)
                made.append(Step(step.at + self.seconds * len(made), frame))
        return made
