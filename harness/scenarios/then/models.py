"""`fallback` and `retries`: how the agent met an LLM that failed."""

from __future__ import annotations

from itertools import pairwise

from pydantic import Field, JsonValue

from harness.scenarios.observation import Claim, ModelCall, Observation
from harness.scenarios.then import Parameters


class Fallback(Parameters):
    """The first model failed and another one answered."""

    model: str | None = Field(None, description="the model that must have answered; any other than the first")

    def judge(self, seen: Observation) -> Claim:
        if not seen.models:
            return Claim(None, "no request reached the mock LLM")
        first = seen.models[0].model
        good = [call.model for call in seen.models if _good(call) and call.model != first]
        failed = [call for call in seen.models if call.model == first and not _good(call)]
        shown = _shown(seen.models)
        if not failed:
            return Claim(None, f"{first} never failed: there was no need to fall back", shown)
        wanted = good if self.model is None else [name for name in good if name == self.model]
        if not wanted:
            return Claim(False, f"{first} failed and {self.model or 'no other model'} did not answer", shown)
        return Claim(True, f"{first} failed {len(failed)} times, {wanted[0]} answered", shown)


class Retries(Parameters):
    """How often one model was asked again after a failure, and with what pause between."""

    at_least: int = Field(0, ge=0)
    at_most: int | None = Field(None, ge=0)
    pause_at_least_s: float | None = Field(None, ge=0, description="between a failure and the next request")

    def judge(self, seen: Observation) -> Claim:
        if not seen.models:
            return Claim(None, "no request reached the mock LLM")
        again = [
            (before, after)
            for before, after in pairwise(seen.models)
            if not _good(before) and before.model == after.model
        ]
        shown = _shown(seen.models)
        count = len(again)
        if count < self.at_least:
            return Claim(False, f"{count} retries, at least {self.at_least} expected", shown)
        if self.at_most is not None and count > self.at_most:
            return Claim(False, f"{count} retries, at most {self.at_most} expected", shown)
        if self.pause_at_least_s is not None:
            for before, after in again:
                if before.at is None or after.at is None:
                    return Claim(None, "the journal has no times", shown)
                pause = after.at - before.at - (before.duration_s or 0)
                if pause < self.pause_at_least_s:
                    text = f"asked again after {pause:.3f} s, sooner than {self.pause_at_least_s:g} s"
                    return Claim(False, text, shown)
        return Claim(True, f"{count} retries", shown)


def _good(call: ModelCall) -> bool:
    return call.status == 200 and not call.aborted


def _shown(calls: tuple[ModelCall, ...]) -> list[JsonValue]:
    return [
        {"model": c.model, "status": c.status, "at": c.at, "faults": list(c.faults), "aborted": c.aborted}
        for c in calls
    ]
