"""A stream without its end: no terminator, or no finish reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mock_llm.faults.fault import Cut, Fault, Hit, Steps, fault


@fault("missing")
@dataclass(frozen=True, slots=True)
class Missing(Fault):
    """Leave out the frames of a kind: `done` ([DONE], message_stop), `finish`, or the token counts (`usage`).

    The stream still ends in an orderly way, so that only a client that looks for its end can notice.
    """

    what: Literal["done", "finish", "usage"] = "done"

    def steps(self, steps: Steps, hit: Hit) -> Steps:
        return [step for step in steps if isinstance(step, Cut) or step.frame.kind != self.what]
