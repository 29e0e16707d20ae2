"""The contents of a request: whether they fit together, and their neutral form."""

from __future__ import annotations

from typing import Any

import orjson

from mock_llm.codecs._gemini import invalid, snake
from mock_llm.completion import Block, Media, Text, Thinking, ToolCall, ToolResult, Turn

_DATA = (
    "text", "inlineData", "fileData", "functionCall", "functionResponse", "executableCode", "codeExecutionResult",
    "toolCall", "toolResponse",
)  # fmt: skip
_MEDIA = {"image": "image", "audio": "audio", "video": "video"}


def read_turns(contents: list[dict[str, Any]] | None) -> tuple[Turn, ...]:
    """The turns. Raises ApiError (400) for roles, parts, calls and responses that do not fit."""
    if not contents:
        raise invalid("* GenerateContentRequest.contents: contents is not specified\n", "contents")
    turns: list[Turn] = []
    waiting: list[ToolCall] = []
    for role, blocks in _joined(contents):
        results = [block for block in blocks if isinstance(block, ToolResult)]
        calls = [block for block in blocks if isinstance(block, ToolCall)]
        if results and not waiting:
            raise invalid(
                "Please ensure that function response turn comes immediately after a function call turn.", "contents"
            )
        if waiting and len(results) != len(waiting):
            raise invalid(
                "Please ensure that the number of function response parts is equal to the number of function call "
                "parts of the function call turn.",
                "contents",
            )
        if calls and (not turns or turns[-1].role == "assistant"):
            raise invalid(
                "Please ensure that function call turn comes immediately after a user turn or after a function "
                "response turn.",
                "contents",
            )
        rest = tuple(block for block in blocks if not isinstance(block, ToolResult))
        if results:
            turns.append(Turn("tool", _paired(results, waiting)))
        if rest or not results:
            turns.append(Turn("assistant" if role == "model" else "user", rest))
        waiting = calls
    if waiting:
        raise invalid(
            "Please ensure that the number of function response parts is equal to the number of function call parts "
            "of the function call turn.",
            "contents",
        )
    return tuple(turns)


def _joined(contents: list[dict[str, Any]]) -> list[tuple[str, tuple[Block, ...]]]:
    """Role and blocks of each content; neighbours of one role, as a client sends what it was streamed, are one."""
    found: list[tuple[str, tuple[Block, ...]]] = []
    for index, content in enumerate(contents):
        at = f"contents[{index}]"
        role = content.get("role") or "user"
        if role not in ("user", "model", "function"):
            raise invalid("Please use a valid role: user, model.", "contents")
        blocks = read_parts(content.get("parts"), at, f"{index}")
        if found and found[-1][0] == role == "model":
            found[-1] = (role, found[-1][1] + tuple(block for block in blocks if block != Text("")))
        else:
            found.append((role, blocks))
    return found


def _paired(results: list[ToolResult], calls: list[ToolCall]) -> tuple[ToolResult, ...]:
    """Each result with the call of its id, else the first open one of its name, else the next."""
    left = list(calls)
    made = []
    for result in results:
        fitting = [c for c in left if c.id == result.call_id] or [c for c in left if c.name == result.name] or left[:1]
        left.remove(fitting[0])
        made.append(ToolResult(fitting[0].id, result.text, fitting[0].name, result.is_error))
    return tuple(made)


def read_parts(parts: list[dict[str, Any]] | None, at: str, name: str) -> tuple[Block, ...]:
    """The parts of a content; calls without an id get one from their place. Raises ApiError (400)."""
    if not parts:
        raise invalid(f"* GenerateContentRequest.{at}.parts: contents.parts must not be empty.\n", f"{at}.parts")
    return tuple(_block(part, f"{at}.parts[{i}]", f"{name}.{i}") for i, part in enumerate(parts))


def _block(part: dict[str, Any], at: str, name: str) -> Block:
    data = [snake(name) for name in _DATA if name in part]
    if len(data) > 1:
        raise invalid(
            f"Invalid value at '{at}' (oneof), oneof field 'data' is already set. Cannot set '{data[1]}'", f"{at}"
        )
    if "text" in part:
        if part.get("thought"):
            return Thinking(part["text"], part.get("thoughtSignature") or "")
        return Text(part["text"])
    if "functionCall" in part:
        spec = part["functionCall"]
        if not spec.get("name"):
            raise invalid(f"* GenerateContentRequest.{at}.function_call.name: Name cannot be empty.\n", at)
        return ToolCall(spec["name"], orjson.dumps(spec.get("args") or {}).decode(), spec.get("id") or f"fc_{name}")
    if "functionResponse" in part:
        spec = part["functionResponse"]
        if not spec.get("name"):
            raise invalid(f"* GenerateContentRequest.{at}.function_response.name: Name cannot be empty.\n", at)
        said = spec.get("response") or {}
        text = said.get("result", said.get("output", said))
        shown = text if isinstance(text, str) else orjson.dumps(text).decode()
        return ToolResult(spec.get("id") or "", shown, spec["name"], "error" in said)
    for kind in ("inlineData", "fileData"):
        if kind in part:
            mime = part[kind].get("mimeType") or ""
            return Media(_MEDIA.get(mime.partition("/")[0], "file"), part)  # type: ignore[arg-type]
    if data:  # what Google's side ran, sent back
        return Text("")
    raise invalid(
        f"* GenerateContentRequest.{at}.data: required oneof field 'data' must have one initialized field\n",
        f"{at}.data",
    )
