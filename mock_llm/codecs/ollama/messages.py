"""Messages, calls, results, tools and pictures of an Ollama request, in the neutral form.

Go's decoder is the only judge here: it knows types, not the pairing of calls and results.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

import orjson

from mock_llm.codecs._ollama import go_kind, invalid, typed
from mock_llm.completion import Block, Media, Role, Text, Thinking, Tool, ToolCall, ToolResult, Turn

_ROLES = ("user", "assistant", "tool")
_MESSAGE = "ChatRequest.messages"
_CALL = f"{_MESSAGE}.tool_calls"
_BASE64 = re.compile(r"[A-Za-z0-9+/]*")


def turns(messages: list[Any]) -> tuple[str, tuple[Turn, ...]]:
    """The texts of the system, and the turns. Raises ApiError (400)."""
    system: list[str] = []
    made: list[Turn] = []
    waiting: list[ToolCall] = []
    for index, message in enumerate(messages):
        _object(message, _MESSAGE, "api.Message")
        content = typed(message, "content", str, _MESSAGE, "string") or ""
        role = (typed(message, "role", str, _MESSAGE, "string") or "user").lower()
        if role == "system":
            system.append(content)
            continue
        if role == "tool":
            made.append(Turn("tool", (_result(message, content, waiting),)))
            continue
        blocks: list[Block] = []
        if thought := typed(message, "thinking", str, _MESSAGE, "string"):
            blocks.append(Thinking(thought))
        if content:
            blocks.append(Text(content))
        blocks += pictures(message, _MESSAGE)
        calls = typed(message, "tool_calls", list, _MESSAGE, "[]api.ToolCall") or ()
        waiting = [_call(item, f"call_{index}_{place}") for place, item in enumerate(calls)]
        made.append(Turn(cast(Role, role if role in _ROLES else "user"), (*blocks, *waiting)))
    return "\n".join(system), tuple(made)


def pictures(raw: Mapping[str, Any], kind: str) -> list[Media]:
    """The `images`. Raises ApiError (400) for one that is not base64: a data URL, a path."""
    found = typed(raw, "images", list, kind, "[]api.ImageData") or ()
    for image in found:
        if not isinstance(image, str):
            raise invalid(f"json: cannot unmarshal {go_kind(image)} into Go struct field {kind}.images of type []uint8")
        at = _corrupt(image)
        if at is not None:
            raise invalid(f"illegal base64 data at input byte {at}")
    return [Media("image", image) for image in found]


def tools(found: list[Any]) -> tuple[Tool, ...]:
    """The tools that are offered. Raises ApiError (400)."""
    made = []
    for item in found:
        _object(item, "ChatRequest.tools", "api.Tool")
        spec = typed(item, "function", dict, "ChatRequest.tools", "api.ToolFunction") or {}
        kind = "ChatRequest.tools.function"
        parameters = typed(spec, "parameters", dict, kind, "api.ToolFunctionParameters") or {}
        name = typed(spec, "name", str, kind, "string") or ""
        made.append(Tool(name, typed(spec, "description", str, kind, "string") or "", parameters))
    return tuple(made)


def _call(item: Any, ident: str) -> ToolCall:
    _object(item, _CALL, "api.ToolCall")
    function = typed(item, "function", dict, _CALL, "api.ToolCallFunction") or {}
    kind = f"{_CALL}.function"
    arguments = typed(function, "arguments", dict, kind, "api.ToolCallFunctionArguments") or {}
    name = typed(function, "name", str, kind, "string") or ""
    return ToolCall(name, orjson.dumps(arguments).decode(), typed(item, "id", str, _CALL, "string") or ident)


def _result(message: dict[str, Any], content: str, waiting: list[ToolCall]) -> ToolResult:
    """The result of the call with its id, of the first open call of its name, or of the next open one."""
    ident, name = message.get("tool_call_id"), message.get("tool_name") or message.get("name")
    fitting = [call for call in waiting if (call.id == ident if ident else not name or call.name == name)]
    if not fitting:
        return ToolResult(str(ident or ""), content, str(name or ""))
    waiting.remove(fitting[0])
    return ToolResult(fitting[0].id, content, fitting[0].name)


def _object(item: Any, kind: str, go_type: str) -> None:
    if not isinstance(item, dict):
        raise invalid(f"json: cannot unmarshal {go_kind(item)} into Go struct field {kind} of type {go_type}")


def _corrupt(image: str) -> int | None:
    """Where Go's base64 decoder gives up; None where it does not. Line ends do not count."""
    text = image.replace("\r", "").replace("\n", "")
    match = _BASE64.match(text)
    end = match.end() if match is not None else 0
    if len(text) % 4 == 0 and text[end:] in ("", "=", "=="):
        return None
    return end if end < len(text) else end - end % 4
