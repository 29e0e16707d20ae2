"""Frames that overtake each other."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mock_llm.faults._frames import content
from mock_llm.faults.fault import Fault, Hit, Steps, fault


@fault("reorder")
@dataclass(frozen=True, slots=True)
class Reorder(Fault):
    """Content frame number `frame` (from 0) and the content frame after it change places; `shuffle`: all of them."""

    frame: int = 0
    shuffle: bool = False

    def steps(self, steps: Steps, hit: Hit) -> Steps:
        places = content(steps)
        if len(places) < 2:
            return steps
        order = list(places)
        if self.shuffle:
            hit.seed.rng("reorder").shuffle(order)
        else:
            first = min(self.frame, len(order) - 2)
            order[first], order[first + 1] = order[first + 1], order[first]
        made = list(steps)
        for to, source in zip(places, order, strict=True):
            made[to] = replace(steps[source], at=steps[to].at)
        return made
