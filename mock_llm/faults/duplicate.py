"""A frame that arrives twice."""

from __future__ import annotations

from dataclasses import dataclass

from mock_llm.faults._frames import content
from mock_llm.faults.fault import Fault, Hit, Steps, fault


@fault("duplicate")
@dataclass(frozen=True, slots=True)
class Duplicate(Fault):
    """Send content frame number `frame` (from 0, the last where there are fewer) `copies` times."""

    frame: int = 0
    copies: int = 2

    def steps(self, steps: Steps, hit: Hit) -> Steps:
        places = content(steps)
        if not places:
            return steps
        index = places[min(self.frame, len(places) - 1)]
        return [*steps[:index], *[steps[index]] * self.copies, *steps[index + 1 :]]
