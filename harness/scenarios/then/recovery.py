"""`recovery`: a tool failed, was tried again or replaced, and the task was answered in time."""

from __future__ import annotations

from pydantic import Field, JsonValue

from harness.scenarios.observation import Claim, Observation
from harness.scenarios.then import Parameters


class Recovery(Parameters):
    """The agent got over a failing tool. Without a failure nothing was shown: inconclusive."""

    tool: str = Field(description="the tool that fails")
    instead: tuple[str, ...] = Field((), description="tools that may replace it; trying it again always may")
    within_s: float | None = Field(None, gt=0, description="from the first call of `when` to the last answer")

    def judge(self, seen: Observation) -> Claim:
        calls = seen.trajectory or ()
        failed = [n for n, call in enumerate(calls) if call.tool == self.tool and call.ok is False]
        retried = [n for n, call in enumerate(calls) if call.tool == self.tool and (call.attempts or 1) > 1]
        shown: list[JsonValue] = [
            {"tool": call.tool, "ok": call.ok, "attempts": call.attempts, "error": call.error} for call in calls
        ]
        if not failed and not retried:
            return Claim(None, f"{self.tool} never failed: there was nothing to recover from", shown)
        after = calls[failed[0] + 1 :] if failed else calls[retried[0] :]
        right = {self.tool, *self.instead}
        better = [call for call in after if call.tool in right and call.ok]
        answered = [a for a in seen.answers if a.status in seen.succeeded and a.succeeded_text.strip()]
        if not better:
            return Claim(False, f"{self.tool} failed and was neither retried nor replaced", shown)
        if len(answered) < len(seen.answers):
            return Claim(False, f"{self.tool} was tried again, but the task was not answered", shown)
        if self.within_s is not None and seen.duration_s > self.within_s:
            return Claim(False, f"answered after {seen.duration_s:.1f} s, later than {self.within_s:g} s", shown)
        return Claim(True, f"{self.tool} failed, {better[0].tool} worked, answered in {seen.duration_s:.2f} s", shown)
