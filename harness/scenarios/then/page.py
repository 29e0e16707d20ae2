"""`page`: what the service says of the scenario when it is asked afterwards, e.g. what a session has cost."""

from __future__ import annotations

from typing import Any

from pydantic import Field, JsonValue, model_validator

from harness.scenarios.observation import Claim, Observation
from harness.scenarios.then import Parameters
from harness.scenarios.then.metrics import SERVED, Served, served
from harness.targets.fields import pick


class Page(Parameters):
    """A JSON page of the service that was asked, read after the last answer; `{session}` in it is filled in."""

    get: str = Field(pattern="^/", description="e.g. /cost?session_id={session}")
    as_: str = Field("user", alias="as", description="whose session is filled in")
    session: str = Field("main", description="which of the user's")
    path: str = Field("", description="a dotted path into the page; all of it without")
    equals: Served | JsonValue = Field(None, description="a value, or what the mock LLM's journal says it served")
    at_least: float | None = None
    at_most: float | None = None

    @model_validator(mode="after")
    def _something(self) -> Page:
        if self.equals is None and self.at_least is None and self.at_most is None:
            raise ValueError("give equals, at_least or at_most")
        return self

    @property
    def key(self) -> tuple[str, str, str]:
        """Which page of whom."""
        return self.get, self.as_, self.session

    def judge(self, seen: Observation) -> Claim:
        if self.key not in seen.pages:
            return Claim(None, f"nobody asked for {self.get}")
        body = seen.pages[self.key]
        value: Any = pick(body, self.path) if self.path else body
        where = f"`{self.path}` of {self.get}" if self.path else self.get
        wanted: Any = self.equals
        if isinstance(wanted, str) and wanted in SERVED:
            wanted = served(wanted, seen)
            if wanted is None:
                return Claim(None, "nobody saw what the LLM answered", body)
        if wanted is not None and value != wanted:
            return Claim(False, f"{where} is {value!r}, not {wanted!r}", body)
        for bound, good in ((self.at_least, "at least"), (self.at_most, "at most")):
            if bound is None:
                continue
            if isinstance(value, bool) or not isinstance(value, int | float):
                return Claim(False, f"{where} is {value!r}, no number", body)
            if (value < bound) if good == "at least" else (value > bound):
                return Claim(False, f"{where} is {value:g}, {good} {bound:g} expected", body)
        return Claim(True, f"{where} is {value!r}", body)
