"""Reading a Messages request into the neutral form."""

from __future__ import annotations

from typing import Any

from mock_llm.codecs._anthropic import invalid
from mock_llm.codecs.anthropic_messages.conversation import plain, read_turns
from mock_llm.codecs.anthropic_messages.threads import joined
from mock_llm.codecs.anthropic_messages.validate import validate
from mock_llm.codecs.protocol import ApiError, Call
from mock_llm.completion import Params, Request, Tool, ToolChoice
from mock_llm.models import exists, window
from mock_llm.tokens import prompt_tokens

NAME = "anthropic"
# Tools with a schema that Anthropic knows, whose calls the client carries out.
_CLIENT_TOOLS = ("bash_", "text_editor_", "computer_", "memory_")
_MODES = {"auto": "auto", "any": "required", "tool": "tool", "none": "none"}


def parse(call: Call, *, counting: bool = False) -> Request:
    """The request. Raises ApiError in Anthropic's words."""
    if not isinstance(call.json, dict):
        raise invalid("Input should be a valid dictionary or object to extract fields from")
    return read(call.json, call, counting=counting)


def read(raw: dict[str, Any], call: Call, *, counting: bool = False) -> Request:
    """The same for a body that came in another one, as a batch's do."""
    if not counting:
        raw = joined(raw, call)
    validate(raw, counting=counting)
    model = raw["model"]
    if not exists(model, call.settings):
        raise ApiError(404, f"model: {model}")
    system = raw.get("system")
    request = Request(
        protocol=NAME,
        model=model,
        turns=read_turns(raw["messages"]),
        system=system if isinstance(system, str) else plain(system),
        tools=tuple(_tools(raw.get("tools") or ())),
        tool_choice=_choice(raw.get("tool_choice")),
        params=_params(raw),
        stream=raw.get("stream") is True,
        raw=raw,
        headers=call.headers,
        session=call.session,
        ordinal=call.ordinal,
    )
    limit = window(model, call.settings)
    if limit is not None and len(call.body) > limit:
        used = prompt_tokens(request)
        if used > limit:
            raise invalid(f"prompt is too long: {used} tokens > {limit} maximum")
    return request


def _tools(tools: Any) -> list[Tool]:
    found = []
    for spec in tools:
        kind = spec.get("type") or "custom"
        if kind == "custom":
            found.append(
                Tool(spec["name"], spec.get("description") or "", spec["input_schema"], bool(spec.get("strict")))
            )
        elif kind.startswith(_CLIENT_TOOLS):
            found.append(Tool(spec["name"], "", {"type": "object"}))
    return found


def _choice(choice: dict[str, Any] | None) -> ToolChoice:
    if not choice:
        return ToolChoice()
    names = (choice["name"],) if choice["type"] == "tool" else ()
    return ToolChoice(_MODES[choice["type"]], names, not choice.get("disable_parallel_tool_use"))  # type: ignore[arg-type]


def _params(raw: dict[str, Any]) -> Params:
    output = (raw.get("output_config") or {}).get("format") or raw.get("output_format") or {}
    thinking = (raw.get("thinking") or {}).get("type")
    return Params(
        max_tokens=raw.get("max_tokens"),
        stop=tuple(raw.get("stop_sequences") or ()),
        output="json_schema" if output.get("type") == "json_schema" else "text",
        schema=output.get("schema"),
        schema_strict=bool(output),
        thinking=thinking in ("enabled", "adaptive"),
        temperature=raw.get("temperature"),
    )
