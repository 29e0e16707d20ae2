"""A chunk that is not JSON, in an otherwise good stream."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from mock_llm.faults.fault import Fault, Hit, Step, Steps, fault


@fault("malformed")
@dataclass(frozen=True, slots=True)
class Malformed(Fault):
    """Frame number `frame` (from 0, pings left out; of a whole answer: the body) loses the second half of its JSON.

    The framing stays (the blank line after an event, the newline of a JSON line): only its content is broken.
    """

    spoils: ClassVar[bool] = True

    frame: int = 1

    def steps(self, steps: Steps, hit: Hit) -> Steps:
        # Clients may skip a ping unread: a broken one would break nothing.
        sent = [i for i, step in enumerate(steps) if isinstance(step, Step) and step.frame.kind != "ping"]
        if not sent:
            return steps
        index = sent[min(self.frame, len(sent) - 1)]
        step = steps[index]
        assert isinstance(step, Step)
        made = list(steps)
        made[index] = replace(step, frame=replace(step.frame, data=broken(step.frame.data)))
        return made


def broken(data: bytes) -> bytes:
    """The data with half of the JSON in it cut away, its line ends kept."""
    end = len(data.rstrip())
    start = data.find(b"{")
    start = start if start >= 0 else 0
    return data[: start + max(1, (end - start) // 2)] + data[end:]
