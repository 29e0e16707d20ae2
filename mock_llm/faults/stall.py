"""A stream that stops and stays open: only a read timeout helps the client."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from mock_llm.faults.fault import Cut, Fault, Hit, Steps, fault


@fault("stall")
@dataclass(frozen=True, slots=True)
class Stall(Fault):
    """After `frame` frames (0: after the headers) send nothing for `seconds`; without them, nothing ever again."""

    spoils: ClassVar[bool] = True

    frame: int = 0
    seconds: float | None = None

    def steps(self, steps: Steps, hit: Hit) -> Steps:
        kept, rest = steps[: self.frame], steps[self.frame :]
        if self.seconds is not None:
            return [*kept, *(replace(step, at=step.at + self.seconds) for step in rest)]
        return [*kept, Cut(kept[-1].at if kept else (rest[0].at if rest else 0.0), "stall")]
