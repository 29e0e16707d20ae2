"""An error in the middle of a stream that began well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mock_llm.codecs.protocol import ApiError
from mock_llm.faults.fault import Fault, Hit, Step, Steps, fault


@fault("error_event")
@dataclass(frozen=True, slots=True)
class ErrorEvent(Fault):
    """After `frame` frames send the provider's error event for `status`, and end. A whole answer is left alone."""

    spoils: ClassVar[bool] = True

    frame: int = 2
    status: int = 529
    message: str = ""

    def steps(self, steps: Steps, hit: Hit) -> Steps:
        if hit.request is None or not hit.request.stream:
            return steps
        kept = [step for step in steps if isinstance(step, Step)][: self.frame]
        event = hit.codec.error_frame(ApiError(self.status, self.message), hit.call, len(kept))
        return [*kept, Step(kept[-1].at if kept else 0.0, event)]
