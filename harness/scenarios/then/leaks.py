"""`no_leak`: a string that must stay inside does not come out."""

from __future__ import annotations

import json
from typing import Any

from pydantic import Field, model_validator

from harness.scenarios.observation import Claim, Observation
from harness.scenarios.then import Parameters


class NoLeak(Parameters):
    """None of the canary strings occurs in anything that a caller was sent."""

    canaries: tuple[str, ...] = Field(min_length=1)
    users: tuple[str, ...] = Field((), description="look only at what these users were sent; all without")

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"canaries": (value,)}
        return {"canaries": value} if isinstance(value, list) else value

    def judge(self, seen: Observation) -> Claim:
        answers = [answer for answer in seen.answers if not self.users or answer.user in self.users]
        if not answers:
            return Claim(None, "nobody was sent anything")
        for answer in answers:
            text = json.dumps(answer.body, ensure_ascii=False)
            for canary in self.canaries:
                if canary in text:
                    return Claim(False, f"{answer.user} was sent {canary!r}", answer.body)
        return Claim(True, f"{len(answers)} answers without {', '.join(map(repr, self.canaries))}")
