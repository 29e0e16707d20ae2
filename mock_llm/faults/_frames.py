"""Finding frames in a stream."""

from __future__ import annotations

from mock_llm.faults.fault import Step, Steps

CONTENT = frozenset({"text", "tool", "thinking", "refusal"})


def content(steps: Steps) -> list[int]:
    """Places of the frames that carry a part of the answer."""
    return [i for i, step in enumerate(steps) if isinstance(step, Step) and step.frame.kind in CONTENT]
