"""Gemini's generateContent and streamGenerateContent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from mock_llm.completion import Block, Choice, Completion, Finish, Json, Refusal, Text, Thinking, ToolCall, Usage
from mock_llm.recording.decoders.undecodable import BROKEN_OFF, Undecodable, unknown

_FINISH: dict[str, Finish | None] = {
    "STOP": None,
    "MAX_TOKENS": "length",
    "SAFETY": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "BLOCKLIST": "content_filter",
    "SPII": "content_filter",
    "RECITATION": "content_filter",
}


def whole(body: Json) -> Completion:
    """The candidates as choices; texts in a row are one block. A prompt that was blocked is a choice without any."""
    if not body.get("candidates"):
        if not (body.get("promptFeedback") or {}).get("blockReason"):
            raise Undecodable("it has no candidates")
        blocked = (Choice((), "content_filter"),)
        return Completion(blocked, _usage(body.get("usageMetadata")), body.get("modelVersion") or "")
    choices = tuple(_choice(item) for item in sorted(body["candidates"], key=lambda item: int(item.get("index", 0))))
    return Completion(choices, _usage(body.get("usageMetadata")), body.get("modelVersion") or "")


def _choice(item: dict[str, Any]) -> Choice:
    blocks: list[Block] = []
    for part in (item.get("content") or {}).get("parts") or ():
        _add(blocks, part)
    reason = item.get("finishReason")
    if reason is None:
        raise Undecodable(BROKEN_OFF)
    if reason not in _FINISH:
        raise unknown("a finish reason", reason)
    if _FINISH[reason] == "content_filter" and item.get("finishMessage"):
        blocks.append(Refusal(item["finishMessage"]))
    return Choice(tuple(blocks), _FINISH[reason])


def _add(blocks: list[Block], part: dict[str, Any]) -> None:
    last = blocks[-1] if blocks else None
    if "functionCall" in part:
        call = part["functionCall"]
        blocks.append(ToolCall(call["name"], orjson.dumps(call.get("args") or {}).decode(), call.get("id") or ""))
    elif part.get("thought"):
        before = blocks.pop().text if isinstance(last, Thinking) else ""  # type: ignore[union-attr]
        blocks.append(Thinking(before + part["text"], part.get("thoughtSignature") or ""))
    elif "text" in part:
        if part["text"]:
            before = blocks.pop().text if isinstance(last, Text) else ""  # type: ignore[union-attr]
            blocks.append(Text(before + part["text"]))
    else:
        raise unknown("a part with", sorted(part))


def _usage(counts: Json) -> Usage | None:
    if not counts:
        return None
    thoughts = counts.get("thoughtsTokenCount") or 0
    said = (counts.get("candidatesTokenCount") or 0) + thoughts
    return Usage(counts.get("promptTokenCount") or 0, said, counts.get("cachedContentTokenCount") or 0, thoughts)


def joined(events: Iterable[Json]) -> Json:
    """The parts of each candidate in a row; the counts and reasons that came last."""
    body: dict[str, Any] = {}
    candidates: dict[int, dict[str, Any]] = {}
    for event in events:
        if event.get("error"):
            raise Undecodable(f"its stream ends in an error: {event['error']}")
        body |= {name: value for name, value in event.items() if name != "candidates"}
        for item in event.get("candidates") or ():
            index = item.get("index", 0)
            kept = candidates.setdefault(index, {"index": index, "content": {"parts": []}})
            kept["content"]["parts"] += (item.get("content") or {}).get("parts") or []
            kept |= {name: value for name, value in item.items() if name != "content"}
    return {**body, "candidates": list(candidates.values())}
