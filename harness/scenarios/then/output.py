"""`output`: what the agent answered."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
from pydantic import Field, JsonValue, field_validator, model_validator

from harness.scenarios.observation import Answer, Claim, Observation
from harness.scenarios.then import Parameters
from harness.targets.fields import pick


class Output(Parameters):
    """Text, pattern, value at a path, or schema; every condition that is given must hold."""

    contains: tuple[str, ...] = Field((), description="each of these texts occurs (case-insensitive)")
    lacks: tuple[str, ...] = Field((), description="none of these texts occurs (case-insensitive)")
    matches: str | None = Field(None, description="a regular expression that is found somewhere")
    equals: JsonValue = Field(None, description="the value itself")
    path: str = Field("", description="a dotted path into the whole answer, e.g. `metadata.sources.0`")
    schema_: dict[str, Any] | None = Field(None, alias="schema", description="a JSON Schema it fits")
    not_empty: bool = Field(True, description="an answer of nothing is wrong")
    of: str = Field("", description="the call it is about; all of them without a name")

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"contains": (value,)}
        if isinstance(value, dict):
            return {
                key: (item,) if key in ("contains", "lacks") and isinstance(item, str) else item
                for key, item in value.items()
            }
        return value

    @field_validator("matches")
    @classmethod
    def _compiles(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                re.compile(value)
            except re.error as error:
                raise ValueError(f"no regular expression: {error}") from None
        return value

    @field_validator("schema_")
    @classmethod
    def _valid(cls, value: dict[str, Any] | None) -> dict[str, Any] | None:
        if value is not None:
            try:
                jsonschema_rs.validator_for(value)
            except jsonschema_rs.ValidationError as error:
                raise ValueError(f"no JSON Schema: {error.message}") from None
        return value

    def judge(self, seen: Observation) -> Claim:
        answers = seen.of(self.of)
        if not answers:
            return Claim(None, "no such call was made")
        wrong = [(answer, text) for answer in answers for text in self._wrong(answer)]
        if not wrong:
            return Claim(True, f"{len(answers)} answers; the first: {answers[0].succeeded_text[:200]}")
        return Claim(False, "; ".join(text for _, text in wrong[:5]), wrong[0][0].body)

    def _wrong(self, answer: Answer) -> Iterator[str]:
        value = pick(answer.body, self.path) if self.path else answer.output
        text = value if isinstance(value, str) else "" if value is None else str(value)
        where = f"`{self.path}` of the answer" if self.path else "the output"
        if self.not_empty and not text.strip():
            yield f"{where} is empty"
        for part in self.contains:
            if part.casefold() not in text.casefold():
                yield f"{where} does not contain {part!r}: {text[:200]!r}"
        for part in self.lacks:
            if part.casefold() in text.casefold():
                yield f"{where} contains {part!r}"
        if self.matches is not None and not re.search(self.matches, text):
            yield f"{where} does not match {self.matches!r}: {text[:200]!r}"
        if self.equals is not None and value != self.equals:
            yield f"{where} is {value!r}, not {self.equals!r}"
        if self.schema_ is not None:
            error = next(iter(jsonschema_rs.validator_for(self.schema_).iter_errors(value)), None)
            if error is not None:
                yield f"{where} does not fit its schema: {error.message}"
