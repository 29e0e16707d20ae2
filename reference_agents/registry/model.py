"""What a tool says of itself."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool


class ToolDefinition(BaseModel):
    """A tool: what it takes, what it gives back, where it is. Schemas are JSON Schema 2020-12."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{1,63}$")
    version: str = Field(pattern=r"^\d+\.\d+\.\d+$")
    description: str = Field(min_length=1, max_length=1000)
    parameters: dict[str, Any]
    returns: dict[str, Any]
    endpoint: str = Field(description="Where it is called: POST, with the arguments as the body.", max_length=500)
    health_url: str = Field(max_length=500)
    auth_type: Literal["none", "api_key", "oauth2"] = "none"
    rate_limit: int = Field(600, ge=1, le=1_000_000, description="Calls per minute and agent.")
    timeout_ms: int = Field(5000, ge=1, le=120_000)
    annotations: dict[str, StrictBool] = Field(default_factory=dict, description="readOnly, idempotent, destructive.")


class ToolList(BaseModel):
    """The tools that the caller may use."""

    tools: list[ToolDefinition]


class Invocation(BaseModel):
    """A call of a tool."""

    model_config = ConfigDict(extra="forbid")

    arguments: dict[str, Any]


class InvocationResult(BaseModel):
    """What the tool gave back, valid against its `returns`."""

    tool: str
    version: str
    result: Any
