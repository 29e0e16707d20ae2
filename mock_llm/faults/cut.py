"""A connection that ends in the middle of the answer."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from mock_llm.faults.fault import Cut, Fault, Hit, Step, Steps, fault

# Where a whole answer begins to say a call's arguments: OpenAI, Gemini and Ollama, Anthropic. The first such place:
# what comes after may be the tools, repeated.
_ARGUMENTS = re.compile(rb'"(arguments|args|input)":("\{|\{|")')


@fault("cut")
@dataclass(frozen=True, slots=True)
class CutOff(Fault):
    """Close (`fin`) or reset (`rst`) the connection after `frame` whole frames, or after `byte` bytes of the body.

    inside: look for the place instead: `tool` is the middle of a tool call's arguments, `utf8` between the
    bytes of the first character that has several (the last byte of the body where none has).
    Of a whole answer the promised Content-Length stays. Where nothing is sent, the client sees no answer at all.
    """

    spoils: ClassVar[bool] = True

    frame: int | None = None
    byte: int | None = None
    inside: Literal["tool", "utf8"] | None = None
    how: Literal["fin", "rst"] = "fin"

    def __post_init__(self) -> None:
        if sum(place is not None for place in (self.frame, self.byte, self.inside)) != 1:
            raise ValueError("cut needs exactly one of frame, byte, inside")

    def steps(self, steps: Steps, hit: Hit) -> Steps:
        sent = [step for step in steps if isinstance(step, Step)]
        if self.frame is not None:
            kept: Steps = list(sent[: self.frame])
            return [*kept, Cut(sent[min(self.frame, len(sent) - 1)].at if sent else 0.0, self.how)]
        return cut_at(sent, self._byte(sent), self.how)

    def _byte(self, sent: list[Step]) -> int:
        if self.byte is not None:
            return self.byte
        whole = b"".join(step.frame.data for step in sent)
        if self.inside == "utf8":
            return next((at + 1 for at, value in enumerate(whole) if value >= 0xC0), max(0, len(whole) - 1))
        starts, at = [], 0
        for step in sent:
            if step.frame.kind == "tool":
                starts.append((at, len(step.frame.data)))
            at += len(step.frame.data)
        if starts:
            start, size = starts[len(starts) // 2]
            return start + size // 2
        found = _ARGUMENTS.search(whole)
        return found.end() if found else len(whole) // 2


def cut_at(steps: list[Step], byte: int, how: Literal["fin", "rst"]) -> Steps:
    """The steps up to `byte` bytes, then the cut; an answer that is shorter is cut after its last byte."""
    made: Steps = []
    left, at = byte, 0.0
    for step in steps:
        at = step.at
        if left <= 0:
            break
        frame = step.frame
        if left < len(frame.data):
            frame = replace(frame, data=frame.data[:left], kind="part")
        made.append(replace(step, frame=frame))
        left -= len(step.frame.data)
    return [*made, Cut(at, how)]
