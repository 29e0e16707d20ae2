"""What the conformance worker is asked and what it answers: one JSON document in, one JSON line a result."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter

from harness.core.events import Check


class Job(BaseModel):
    """One service to try. `secret` headers authorise and are shown as `$NAME`; `mark` headers go along."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str
    description: dict[str, JsonValue]
    secret: dict[str, str] = {}
    mark: dict[str, str] = {}
    idempotency_header: str | None = None
    unique: str = ""  # keeps idempotency keys apart from those of other runs on the same service
    max_examples: int = Field(ge=1)
    seed: int
    timeout_s: float = 10.0
    stateful: bool = True


class Progress(BaseModel):
    """A line that only says how far the worker is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: Literal["progress"] = "progress"
    operation: str
    cases: int


Line: TypeAdapter[Check | Progress] = TypeAdapter(Annotated[Check | Progress, Field(discriminator="type")])
