"""`stable`: a task that is over stays as it is."""

from __future__ import annotations

from pydantic import Field

from harness.scenarios.observation import Claim, Observation
from harness.scenarios.then import Parameters


class Stable(Parameters):
    """Each task, asked for again when everything is over, is what it was when it ended."""

    after_s: float = Field(1.0, ge=0, description="how long after the end to ask again")

    def judge(self, seen: Observation) -> Claim:
        if seen.later is None:
            return Claim(None, "the service cannot be asked for a task again")
        ended = [answer for answer in seen.answers if answer.task_id and answer.status and answer.task_id in seen.later]
        if not ended:
            return Claim(None, "no task ended that could be asked for again")
        for answer in ended:
            later = seen.later[answer.task_id]
            if later != answer.body:
                return Claim(
                    False,
                    f"task {answer.task_id} was {answer.status} and is another one {self.after_s:g} s later: "
                    f"{', '.join(_changed(answer.body, later)) or 'all of it'}",
                    {"then": answer.body, "later": later},
                    fix="compare the fence (lease, version) with every write of a result: the first one stands",
                )
        return Claim(True, f"{len(ended)} tasks are as they were when they ended")


def _changed(before: object, after: object) -> list[str]:
    if not isinstance(before, dict) or not isinstance(after, dict):
        return []
    return sorted(str(key) for key in before.keys() | after.keys() if before.get(key) != after.get(key))
