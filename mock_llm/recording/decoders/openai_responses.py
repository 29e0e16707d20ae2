"""The Responses API: its last event carries the whole response, so a stream needs no putting together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from mock_llm.completion import Block, Choice, Completion, Finish, Json, Refusal, Text, Thinking, ToolCall, Usage
from mock_llm.recording.decoders.undecodable import BROKEN_OFF, Undecodable, unknown

_LAST = ("response.completed", "response.incomplete", "response.failed")
_INCOMPLETE: dict[str, Finish] = {"max_output_tokens": "length", "content_filter": "content_filter"}


def whole(body: Json) -> Completion:
    """The output items of a `response` as the blocks of one choice."""
    status = body.get("status") or "completed"
    finish: Finish | None = None
    if status == "incomplete":
        reason = (body.get("incomplete_details") or {}).get("reason")
        if reason not in _INCOMPLETE:
            raise unknown("a reason for being incomplete", reason)
        finish = _INCOMPLETE[reason]
    elif status != "completed":
        raise Undecodable(f"its status is {status!r}")
    blocks = tuple(block for item in body["output"] for block in _blocks(item))
    return Completion((Choice(blocks, finish),), _usage(body.get("usage")), body.get("model") or "")


def _blocks(item: dict[str, Any]) -> Iterator[Block]:
    match item["type"]:
        case "message":
            for part in item["content"]:
                if part["type"] == "output_text":
                    yield Text(part["text"])
                elif part["type"] == "refusal":
                    yield Refusal(part["refusal"])
                else:
                    raise unknown("content of type", part["type"])
        case "reasoning":
            text = "\n".join(part["text"] for part in item.get("summary") or ())
            if text:
                yield Thinking(text)
        case "function_call":
            yield ToolCall(item["name"], item["arguments"], item["call_id"])
        case "custom_tool_call":
            yield ToolCall(item["name"], item["input"], item["call_id"], custom=True)
        case kind:
            raise unknown("an item of type", kind)


def _usage(counts: Json) -> Usage | None:
    if not counts:
        return None
    return Usage(
        counts["input_tokens"],
        counts["output_tokens"],
        (counts.get("input_tokens_details") or {}).get("cached_tokens") or 0,
        (counts.get("output_tokens_details") or {}).get("reasoning_tokens") or 0,
    )


def joined(events: Iterable[Json]) -> Json:
    """The response in the event that ends the stream."""
    for event in events:
        if event.get("type") in _LAST:
            return event["response"]
        if event.get("type") == "error":
            raise Undecodable(f"its stream ends in an error: {event.get('error') or event.get('message')}")
    raise Undecodable(BROKEN_OFF)
