"""`trajectory`: which tools the agent called, with what, in which order."""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import Field, JsonValue, model_validator

from harness.scenarios.matching import Mode, problem
from harness.scenarios.observation import Claim, Observation, ToolCall
from harness.scenarios.then import Parameters


class ExpectedCall(Parameters):
    """One call that is expected. `arguments` are compared as `match` says."""

    tool: str
    arguments: dict[str, JsonValue] = Field({}, description="compared as `match` says")
    match: Literal["exact", "subset", "ignore", "pattern"] | None = Field(
        None,
        description="exact: equal; subset: at least these; pattern: each value a regular expression; "
        "without it: subset where arguments are given, else ignore",
    )
    ok: bool | None = Field(None, description="how the call must have ended, where that matters")

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return {"tool": value} if isinstance(value, str) else value

    def fits(self, call: ToolCall) -> bool:
        """True when `call` is what is expected."""
        if call.tool != self.tool or (self.ok is not None and call.ok is not self.ok):
            return False
        how = self.match or ("subset" if self.arguments else "ignore")
        if how == "ignore":
            return True
        given = call.arguments if isinstance(call.arguments, dict) else {}
        if how == "exact":
            return given == self.arguments
        if how == "subset":
            return all(name in given and given[name] == value for name, value in self.arguments.items())
        return all(name in given and re.search(str(value), str(given[name])) for name, value in self.arguments.items())


class Trajectory(Parameters):
    """The calls of the run against expected ones. Calls that were asked for together have no order."""

    calls: tuple[ExpectedCall, ...]
    mode: Mode = "in_order"

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return {"calls": value} if isinstance(value, list) else value

    def judge(self, seen: Observation) -> Claim:
        if seen.trajectory is None:
            return Claim(None, "nobody said which tools were called")
        turns = [call.turn for call in seen.trajectory]
        missing, extra = problem(self.mode, self.calls, seen.trajectory, turns, lambda wish, call: wish.fits(call))
        shown: list[JsonValue] = [
            {"tool": call.tool, "arguments": call.arguments, "turn": call.turn, "ok": call.ok}
            for call in seen.trajectory
        ]
        names = ", ".join(call.tool for call in seen.trajectory) or "none"
        if not missing and not extra:
            return Claim(True, f"{self.mode}: {names}", shown)
        parts = []
        if missing:
            parts.append("not called: " + ", ".join(self.calls[n].tool for n in missing))
        if extra:
            parts.append("not expected: " + ", ".join(seen.trajectory[n].tool for n in extra))
        return Claim(False, f"{self.mode}: {'; '.join(parts)} (called: {names})", shown)
