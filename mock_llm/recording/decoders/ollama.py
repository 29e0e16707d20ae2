"""Ollama's chat and generate."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from mock_llm.completion import Block, Choice, Completion, Finish, Json, Text, Thinking, ToolCall, Usage
from mock_llm.recording.decoders.undecodable import BROKEN_OFF, Undecodable, unknown

_FINISH: dict[str, Finish | None] = {"stop": None, "length": "length"}


def whole(body: Json) -> Completion:
    """What was said, as the blocks of one choice."""
    if body.get("done") is not True:
        raise Undecodable(BROKEN_OFF)
    message = body.get("message") or {"content": body.get("response"), "thinking": body.get("thinking")}
    blocks: list[Block] = []
    if message.get("thinking"):
        blocks.append(Thinking(message["thinking"]))
    if message.get("content"):
        blocks.append(Text(message["content"]))
    for call in message.get("tool_calls") or ():
        arguments = orjson.dumps(call["function"]["arguments"]).decode()
        blocks.append(ToolCall(call["function"]["name"], arguments, call.get("id") or ""))
    reason = body.get("done_reason") or "stop"
    if reason not in _FINISH:
        raise unknown("a reason for being done", reason)
    usage = Usage(body.get("prompt_eval_count") or 0, body.get("eval_count") or 0)
    return Completion((Choice(tuple(blocks), _FINISH[reason]),), usage, body.get("model") or "")


def joined(events: Iterable[Json]) -> Json:
    """The last line, with what all lines said."""
    said: dict[str, Any] = {"content": "", "thinking": "", "tool_calls": []}
    last: dict[str, Any] = {}
    for event in events:
        if event.get("error"):
            raise Undecodable(f"its stream ends in an error: {event['error']}")
        message = event.get("message") or {}
        said["content"] += message.get("content") or event.get("response") or ""
        said["thinking"] += message.get("thinking") or event.get("thinking") or ""
        said["tool_calls"] += message.get("tool_calls") or []
        last = event
    return {**last, "message": said}
