"""`steps`, `tokens` and `duration`: what a run may cost."""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from harness.scenarios.observation import Claim, Observation
from harness.scenarios.then import Parameters
from harness.targets.fields import pick


class AtMost(Parameters):
    """A bound on a number; `- steps: 3` means at most 3."""

    at_most: float = Field(ge=0)
    at_least: float = Field(0, ge=0)

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return {"at_most": value} if isinstance(value, int | float) and not isinstance(value, bool) else value

    def bound(self, what: str, value: float, unit: str = "") -> Claim:
        """Whether `value` lies in the bounds."""
        holds = self.at_least <= value <= self.at_most
        low = f"{self.at_least:g} to " if self.at_least else "at most "
        text = f"{what}: {value:g}{unit}"
        return Claim(holds, text if holds else f"{text}, expected {low}{self.at_most:g}{unit}", value)


class Steps(AtMost):
    """The steps of every task, as the service reports them (`steps_used` unless `field` says otherwise)."""

    field: str = "steps_used"

    def judge(self, seen: Observation) -> Claim:
        values = [pick(answer.body, self.field) for answer in seen.answers]
        numbers = [value for value in values if isinstance(value, int | float)]
        if not numbers:
            return Claim(None, f"no answer has `{self.field}`")
        worst = max(numbers) if self.at_least <= max(numbers) else min(numbers)
        return self.bound("steps", worst)


class Tokens(AtMost):
    """The tokens of the whole run: by the mock LLM's journal, which counts every retry too."""

    def judge(self, seen: Observation) -> Claim:
        if not seen.models:
            return Claim(None, "no request reached the mock LLM")
        return self.bound("tokens", sum(c.prompt_tokens + c.completion_tokens for c in seen.models))


class ModelCalls(AtMost):
    """The requests that reached the mock LLM, retries included."""

    def judge(self, seen: Observation) -> Claim:
        if seen.models is None:
            return Claim(None, "nobody saw the requests to the LLM")
        return self.bound("requests to the LLM", len(seen.models))


class Duration(AtMost):
    """Seconds from the first call of `when` to the last answer."""

    def judge(self, seen: Observation) -> Claim:
        return self.bound("duration", round(seen.duration_s, 3), " s")
