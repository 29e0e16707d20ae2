"""The three protocols as a test speaks them: how to ask, and what an answer says, whole and streamed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

Json = dict[str, Any]
SCHEMA: Json = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city", "days"],
}


@dataclass(frozen=True)
class Said:
    """What a client can read off an answer. `reason` and `usage` (of the completion) are None where not told."""

    text: str = ""
    calls: tuple[tuple[str, str], ...] = ()  # name, arguments as text
    reason: str | None = None
    usage: int | None = None


@dataclass(frozen=True, eq=False)
class Dialect:
    """path and body ask; `listed` is the name of the list of answers; `end` is the stream's terminator."""

    name: str
    path: str
    tool: Json
    more: Json
    listed: str
    end: bytes
    reasons: Json  # neutral -> its own word
    whole: Callable[[Json], Said]
    streamed: Callable[[list[Json]], Said]

    def __repr__(self) -> str:
        return self.name

    def body(self, text: Any = "hello", *, stream: bool = False, tools: bool = False, **more: Any) -> Json:
        turns = [{"role": "user", "content": text}] if isinstance(text, str) else text
        asked = {"input" if self.listed == "output" else "messages": turns}
        offered = {"tools": [self.tool]} if tools else {}
        return {"model": "some-model", **asked, **self.more, **offered, "stream": stream, **more}

    def said(self, data: bytes, *, stream: bool) -> Said:
        """What the whole of an answer's body says."""
        return self.streamed(list(events(data))) if stream else self.whole(orjson.loads(data))


def events(data: bytes) -> Iterator[Json]:
    """The JSON of each server-sent event."""
    for block in data.split(b"\n\n"):
        lines = [line[6:] for line in block.split(b"\n") if line.startswith(b"data: ")]
        if lines and lines[0] != b"[DONE]":
            yield orjson.loads(lines[0])


def _chat(body: Json) -> Said:
    if not body["choices"]:
        return Said(usage=body["usage"]["completion_tokens"])
    choice = body["choices"][0]
    calls = tuple(
        (c["function"]["name"], c["function"]["arguments"]) for c in choice["message"].get("tool_calls") or ()
    )
    said = choice["message"]["content"] or ""
    return Said(said, calls, choice["finish_reason"], body["usage"]["completion_tokens"])


def _chat_stream(chunks: list[Json]) -> Said:
    text, reason, usage = "", None, None
    calls: dict[int, list[str]] = {}
    for chunk in chunks:
        usage = (chunk.get("usage") or {}).get("completion_tokens", usage)
        for choice in chunk["choices"]:
            text += choice["delta"].get("content") or ""
            reason = choice["finish_reason"] or reason
            for call in choice["delta"].get("tool_calls") or ():
                mine = calls.setdefault(call["index"], ["", ""])
                mine[0] += call["function"].get("name") or ""
                mine[1] += call["function"].get("arguments") or ""
    return Said(text, tuple((n, a) for n, a in calls.values()), reason, usage)


def _response(body: Json) -> Said:
    texts = [p["text"] for item in body["output"] if item["type"] == "message" for p in item["content"]]
    calls = tuple((i["name"], i["arguments"]) for i in body["output"] if i["type"] == "function_call")
    told = (body["incomplete_details"] or {}).get("reason", body["status"])
    return Said("".join(texts), calls, told, (body["usage"] or {}).get("output_tokens"))


def _response_stream(found: list[Json]) -> Said:
    """From the deltas; the end alone tells reason and usage."""
    text, names, arguments = "", {}, {}
    last = Said()
    for event in found:
        if event["type"] == "response.output_text.delta":
            text += event["delta"]
        elif event["type"] == "response.output_item.added" and event["item"]["type"] == "function_call":
            names[event["output_index"]] = event["item"]["name"]
        elif event["type"] == "response.function_call_arguments.delta":
            arguments[event["output_index"]] = arguments.get(event["output_index"], "") + event["delta"]
        elif event["type"] in {"response.completed", "response.incomplete"}:
            last = _response(event["response"])
    calls = tuple((name, arguments.get(index, "")) for index, name in names.items())
    return Said(text, calls, last.reason, last.usage)


def _message(body: Json) -> Said:
    text = "".join(block["text"] for block in body["content"] if block["type"] == "text")
    calls = tuple((b["name"], orjson.dumps(b["input"]).decode()) for b in body["content"] if b["type"] == "tool_use")
    return Said(text, calls, body["stop_reason"], body["usage"]["output_tokens"])


def _message_stream(found: list[Json]) -> Said:
    text, reason, usage = "", None, None
    calls: dict[int, list[str]] = {}
    for event in found:
        if event["type"] == "content_block_start" and event["content_block"]["type"] == "tool_use":
            calls[event["index"]] = [event["content_block"]["name"], ""]
        elif event["type"] == "content_block_delta":
            text += event["delta"].get("text", "")
            if "partial_json" in event["delta"]:
                calls[event["index"]][1] += event["delta"]["partial_json"]
        elif event["type"] == "message_delta":
            reason, usage = event["delta"]["stop_reason"], event["usage"]["output_tokens"]
    return Said(text, tuple((n, a) for n, a in calls.values()), reason, usage)


CHAT = Dialect(
    "openai-chat",
    "/v1/chat/completions",
    {"type": "function", "function": {"name": "look_up", "parameters": SCHEMA}},
    {"stream_options": {"include_usage": True}},
    "choices",
    b"data: [DONE]",
    {"stop": "stop", "length": "length", "tool_calls": "tool_calls", "content_filter": "content_filter"},
    _chat,
    _chat_stream,
)
RESPONSES = Dialect(
    "openai-responses",
    "/v1/responses",
    {"type": "function", "name": "look_up", "parameters": SCHEMA, "strict": False},
    {},
    "output",
    b"event: response.completed",
    {
        "stop": "completed",
        "length": "max_output_tokens",
        "tool_calls": "completed",
        "content_filter": "content_filter",
    },
    _response,
    _response_stream,
)
MESSAGES = Dialect(
    "anthropic",
    "/v1/messages",
    {"name": "look_up", "input_schema": SCHEMA},
    {"max_tokens": 1000},
    "content",
    b"event: message_stop",
    {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use", "content_filter": "refusal"},
    _message,
    _message_stream,
)
DIALECTS = (CHAT, RESPONSES, MESSAGES)
