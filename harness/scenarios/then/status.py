"""`status`: how each call ended."""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from harness.scenarios.observation import Claim, Observation
from harness.scenarios.then import Parameters


class Status(Parameters):
    """`- status: completed`, `- status: [completed, failed]`, with `of` for one named call; bare: it succeeded."""

    is_: tuple[str, ...] = Field((), alias="is", description="the states that are right; without it, those of success")
    of: str = Field("", description="the call it is about; all of them without a name")

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"is": (value,)}
        if isinstance(value, list):
            return {"is": value}
        if isinstance(value, dict) and isinstance(value.get("is"), str):
            return {**value, "is": (value["is"],)}
        return value

    def judge(self, seen: Observation) -> Claim:
        answers = seen.of(self.of)
        if not answers:
            return Claim(None, f"no call is named {self.of!r}" if self.of else "no call was made")
        right = self.is_ or tuple(sorted(seen.succeeded))
        wrong = [answer for answer in answers if answer.status not in right]
        first = wrong[0] if wrong else answers[0]
        text = f"{first.name or 'the task'} is {first.status or first.error or 'without a state'}"
        return Claim(
            not wrong,
            f"{len(answers)} x {first.status}" if not wrong else f"{text}, not {' or '.join(right)}",
            first.body,
        )
