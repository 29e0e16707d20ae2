"""The contents of a request: whether they fit together, and their neutral form."""

from __future__ import annotations

from typing import Any

import orjson

from mock_llm.codecs._gemini import field, invalid, known
from mock_llm.completion import Block, Media, Text, Thinking, ToolCall, ToolResult, Turn

_CONTENT = ("role", "parts")
_PART = (
    "text", "thought", "thoughtSignature", "inlineData", "fileData", "functionCall", "functionResponse",
    "videoMetadata", "executableCode", "codeExecutionResult", "mediaResolution", "partMetadata", "toolCall",
    "toolResponse",
)  # fmt: skip
_MEDIA = {"image": "image", "audio": "audio", "video": "video"}


def read_turns(contents: Any) -> tuple[Turn, ...]:
    """The turns. Raises ApiError (400) for roles, parts, calls and responses that do not fit."""
    if not isinstance(contents, list):
        contents = [contents] if isinstance(contents, dict) else []
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


def _joined(contents: list[Any]) -> list[tuple[str, tuple[Block, ...]]]:
    """Role and blocks of each content; neighbours of one role, as a client sends what it was streamed, are one."""
    found: list[tuple[str, tuple[Block, ...]]] = []
    for index, content in enumerate(contents):
        at = f"contents[{index}]"
        role = known(content, _CONTENT, at).get("role") or "user"
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
        fitting = [c for c in left if c.id == result.call_id] or [c for c in left if c.name == result.name] or left
        left.remove(fitting[0])
        made.append(ToolResult(fitting[0].id, result.text, fitting[0].name, result.is_error))
    return tuple(made)


def read_parts(parts: Any, at: str, name: str) -> tuple[Block, ...]:
    """The parts of a content; calls without an id get one from their place. Raises ApiError (400)."""
    if isinstance(parts, dict):
        parts = [parts]
    if not parts:
        raise invalid(f"* GenerateContentRequest.{at}.parts: contents.parts must not be empty.\n", f"{at}.parts")
    return tuple(
        _block(known(part, _PART, f"{at}.parts[{i}]"), f"{at}.parts[{i}]", f"{name}.{i}")
        for i, part in enumerate(parts)
    )


def _block(part: dict[str, Any], at: str, name: str) -> Block:
    if isinstance(part.get("text"), str):
        if part.get("thought") is True:
            return Thinking(part["text"], str(field(part, "thoughtSignature") or ""))
        return Text(part["text"])
    call = field(part, "functionCall")
    if call is not None:
        spec = known(call, ("id", "name", "args", "partialArgs", "willContinue"), f"{at}.function_call")
        if not spec.get("name"):
            raise invalid(f"* GenerateContentRequest.{at}.function_call.name: Name cannot be empty.\n", at)
        return ToolCall(spec["name"], orjson.dumps(spec.get("args") or {}).decode(), spec.get("id") or f"fc_{name}")
    response = field(part, "functionResponse")
    if response is not None:
        names = ("id", "name", "response", "willContinue", "scheduling", "parts")
        spec = known(response, names, f"{at}.function_response")
        if not spec.get("name"):
            raise invalid(f"* GenerateContentRequest.{at}.function_response.name: Name cannot be empty.\n", at)
        said = spec.get("response") or {}
        text = said.get("result", said.get("output", said)) if isinstance(said, dict) else said
        shown = text if isinstance(text, str) else orjson.dumps(text).decode()
        return ToolResult(spec.get("id") or "", shown, spec["name"], isinstance(said, dict) and "error" in said)
    for kind in ("inlineData", "fileData"):
        data = field(part, kind)
        if isinstance(data, dict):
            mime = str(field(data, "mimeType") or "")
            return Media(_MEDIA.get(mime.partition("/")[0], "file"), part)  # type: ignore[arg-type]
    if any(field(part, name) is not None for name in _PART[8:]):
        return Text("")
    raise invalid(
        f"* GenerateContentRequest.{at}.data: required oneof field 'data' must have one initialized field\n",
        f"{at}.data",
    )
