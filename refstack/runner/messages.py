"""A conversation, independent of any provider's protocol."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel


class ToolCall(BaseModel):
    """A tool call that the model asks for. `malformed` keeps arguments that were not a JSON object."""

    id: str
    name: str
    arguments: dict[str, Any]
    malformed: str = ""


class Message(BaseModel):
    """One turn."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str = ""
    tool_calls: list[ToolCall] = []
    tool_call_id: str = ""
    tool_name: str = ""


class ToolSpec(BaseModel):
    """A tool as the model is told of it."""

    name: str
    description: str
    parameters: dict[str, Any]


class Reply(BaseModel):
    """What a model answered."""

    content: str
    tool_calls: list[ToolCall]
    model: str
    prompt_tokens: int
    completion_tokens: int
