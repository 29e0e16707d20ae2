"""Anthropic Messages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from mock_llm.completion import Block, Choice, Completion, Finish, Json, Text, Thinking, ToolCall, Usage
from mock_llm.recording.decoders.undecodable import BROKEN_OFF, Undecodable, unknown

_FINISH: dict[str, Finish] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "refusal",
    "pause_turn": "pause",
}


def whole(body: Json) -> Completion:
    """The content of a `message` as the blocks of one choice."""
    reason = body.get("stop_reason")
    if reason not in _FINISH:
        raise unknown("a stop reason", reason)
    blocks = tuple(_block(item) for item in body["content"])
    choice = Choice(blocks, _FINISH[reason])
    return Completion((choice,), _usage(body.get("usage")), body.get("model") or "", body.get("stop_sequence"))


def _block(item: dict[str, Any]) -> Block:
    match item["type"]:
        case "text":
            return Text(item["text"])
        case "tool_use":
            return ToolCall(item["name"], orjson.dumps(item["input"]).decode(), item["id"])
        case "thinking":
            return Thinking(item["thinking"], item.get("signature") or "")
        case "redacted_thinking":
            return Thinking(item["data"], redacted=True)
        case kind:
            raise unknown("a block of type", kind)


def _usage(counts: Json) -> Usage | None:
    if not counts:
        return None
    cached = counts.get("cache_read_input_tokens") or 0
    written = counts.get("cache_creation_input_tokens") or 0
    return Usage((counts.get("input_tokens") or 0) + cached + written, counts.get("output_tokens") or 0, cached)


def joined(events: Iterable[Json]) -> Json:
    """The message that `message_start` opens, with its blocks filled by their deltas."""
    message: dict[str, Any] = {}
    inputs: dict[int, str] = {}
    ended = False
    for event in events:
        match event["type"]:
            case "message_start":
                message = {**event["message"], "content": []}
            case "content_block_start":
                message["content"].append(dict(event["content_block"]))
            case "content_block_delta":
                _add(message["content"][event["index"]], event["delta"], event["index"], inputs)
            case "message_delta":
                message |= event["delta"]
                counts = {k: v for k, v in (event.get("usage") or {}).items() if v is not None}
                message["usage"] = {**(message.get("usage") or {}), **counts}
            case "message_stop":
                ended = True
            case "error":
                raise Undecodable(f"its stream ends in an error: {event['error']}")
    if not ended:
        raise Undecodable(BROKEN_OFF)
    for index, text in inputs.items():
        message["content"][index]["input"] = orjson.loads(text)
    return message


def _add(block: dict[str, Any], delta: dict[str, Any], index: int, inputs: dict[int, str]) -> None:
    match delta["type"]:
        case "text_delta":
            block["text"] += delta["text"]
        case "thinking_delta":
            block["thinking"] += delta["thinking"]
        case "signature_delta":
            block["signature"] = delta["signature"]
        case "input_json_delta":
            if delta["partial_json"]:
                inputs[index] = inputs.get(index, "") + delta["partial_json"]
        case "citations_delta":
            pass  # where a text comes from; other protocols have no place for it
        case kind:
            raise unknown("a delta of type", kind)
