"""Chat Completions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mock_llm.completion import Block, Choice, Completion, Finish, Json, Refusal, Text, Thinking, ToolCall, Usage
from mock_llm.recording.decoders.undecodable import BROKEN_OFF, Undecodable, unknown

_FINISH: dict[str, Finish] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}


def whole(body: Json) -> Completion:
    """The choices of a `chat.completion`."""
    if not body["choices"]:
        raise Undecodable("it has no choices")
    choices = [_choice(item) for item in sorted(body["choices"], key=lambda item: int(item.get("index", 0)))]
    return Completion(tuple(choices), usage(body.get("usage")), body.get("model") or "")


def usage(counts: Json) -> Usage | None:
    """Token counts in OpenAI's older words; None where there are none."""
    if not counts:
        return None
    return Usage(
        counts["prompt_tokens"],
        counts.get("completion_tokens") or 0,
        (counts.get("prompt_tokens_details") or {}).get("cached_tokens") or 0,
        (counts.get("completion_tokens_details") or {}).get("reasoning_tokens") or 0,
    )


def _choice(item: dict[str, Any]) -> Choice:
    message = item["message"]
    blocks: list[Block] = []
    thought = message.get("reasoning_content") or message.get("reasoning")
    if thought:
        blocks.append(Thinking(thought))
    if message.get("content"):
        blocks.append(Text(message["content"]))
    if message.get("refusal"):
        blocks.append(Refusal(message["refusal"]))
    if message.get("audio"):
        raise unknown("an answer of type", "audio")
    for call in message.get("tool_calls") or ():
        if call.get("type") == "custom":
            blocks.append(ToolCall(call["custom"]["name"], call["custom"]["input"], call["id"], custom=True))
        else:
            blocks.append(ToolCall(call["function"]["name"], call["function"]["arguments"], call["id"]))
    old = message.get("function_call")
    if old:
        blocks.append(ToolCall(old["name"], old["arguments"]))
    reason = item.get("finish_reason")
    if reason not in _FINISH:
        raise unknown("a finish reason", reason)
    return Choice(tuple(blocks), _FINISH[reason])


def joined(events: Iterable[Json]) -> Json:
    """The deltas of each choice put together; a tool call's by their index."""
    body: dict[str, Any] = {"choices": [], "usage": None, "model": ""}
    choices: dict[int, dict[str, Any]] = {}
    for event in events:
        if event.get("error"):
            raise Undecodable(f"its stream ends in an error: {event['error']}")
        body["model"] = event.get("model") or body["model"]
        body["usage"] = event.get("usage") or body["usage"]
        for item in event.get("choices") or ():
            choice = choices.setdefault(item["index"], {"index": item["index"], "message": {}, "finish_reason": None})
            choice["finish_reason"] = item.get("finish_reason") or choice["finish_reason"]
            _add(choice["message"], item.get("delta") or {})
    if not choices or any(choice["finish_reason"] is None for choice in choices.values()):
        raise Undecodable(BROKEN_OFF)
    for choice in choices.values():
        calls = choice["message"].pop("tool_calls", {})
        choice["message"]["tool_calls"] = [calls[index] for index in sorted(calls)]
    body["choices"] = list(choices.values())
    return body


def _add(message: dict[str, Any], delta: dict[str, Any]) -> None:
    for name in ("content", "refusal", "reasoning_content", "reasoning"):
        if delta.get(name):
            message[name] = message.get(name, "") + delta[name]
    for part in delta.get("tool_calls") or ():
        call = message.setdefault("tool_calls", {}).setdefault(part["index"], {})
        for name in ("id", "type"):
            call[name] = part.get(name) or call.get(name)
        for kind, text in (("function", "arguments"), ("custom", "input")):
            if part.get(kind):
                spec = call.setdefault(kind, {"name": "", text: ""})
                spec["name"] += part[kind].get("name") or ""
                spec[text] += part[kind].get(text) or ""
    old = delta.get("function_call")
    if old:
        spec = message.setdefault("function_call", {"name": "", "arguments": ""})
        spec["name"] += old.get("name") or ""
        spec["arguments"] += old.get("arguments") or ""
