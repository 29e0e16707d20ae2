"""A completion as a `message`, whole or as the events that make it up."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import orjson

from mock_llm.codecs import _anthropic
from mock_llm.codecs._anthropic import event
from mock_llm.codecs.anthropic_messages.threads import keep
from mock_llm.codecs.protocol import Call, Frame, Reply
from mock_llm.completion import Block, Completion, Refusal, Request, Text, Thinking, ToolCall, Usage
from mock_llm.tokens import chunks

_REASONS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
    "refusal": "refusal",
    "pause": "pause_turn",
}


def message_id(call: Call) -> str:
    """The id of the message that answers a call."""
    return call.id("msg_01", length=22)


def reason(completion: Completion) -> str:
    """Why the message ended, in Anthropic's word."""
    said = completion.first
    if said.finish in (None, "stop"):
        if completion.stop_sequence is not None:
            return "stop_sequence"
        if any(isinstance(block, Refusal) for block in said.blocks):
            return "refusal"
    return _REASONS.get(completion.first.finish or "stop", "end_turn")


def usage_body(usage: Usage) -> dict[str, Any]:
    """The usage object of a whole message."""
    return {
        "input_tokens": usage.prompt - usage.cached,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": usage.cached,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
        "output_tokens": usage.completion,
        "service_tier": "standard",
    }


def body(completion: Completion, call: Call) -> dict[str, Any]:
    """The message."""
    usage = completion.usage or Usage()
    return {
        "id": message_id(call),
        "type": "message",
        "role": "assistant",
        "model": completion.model,
        "content": [_block(block, call) for block in completion.first.blocks],
        "stop_reason": reason(completion),
        "stop_sequence": completion.stop_sequence,
        "usage": usage_body(usage),
    }


def render(completion: Completion, request: Request, call: Call) -> Reply:
    """The whole answer."""
    usage = completion.usage or Usage()
    message = body(completion, call)
    keep(request.raw, message, call)
    data = orjson.dumps(message)
    return Reply(200, data, _anthropic.headers(call, usage.prompt), completion.model, usage)


def signature(block: Thinking, call: Call) -> str:
    """The signature of a thinking block: the scripted one, or one that looks like it."""
    return block.signature or base64.b64encode(call.id("", "signature", 60).encode()).decode()


def _block(block: Block, call: Call) -> dict[str, Any]:
    match block:
        case Thinking(text, redacted=True):
            return {"type": "redacted_thinking", "data": text}
        case Thinking(text):
            return {"type": "thinking", "thinking": text, "signature": signature(block, call)}
        case ToolCall():
            return {"type": "tool_use", "id": block.id, "name": block.name, "input": _input(block)}
        case Text(text) | Refusal(text):
            return {"type": "text", "text": text}
    raise TypeError(f"an answer holds no {type(block).__name__}")


def _input(block: ToolCall) -> Any:
    """The arguments as an object. Anthropic cannot send text that is no JSON: what was meant goes under one key."""
    try:
        value = orjson.loads(block.arguments or "{}")
    except ValueError:
        return {"_invalid_json": block.arguments}
    return value


def stream(completion: Completion, request: Request, call: Call) -> Iterator[Frame]:
    """message_start; each block with a ping after the first start; message_delta; message_stop."""
    usage = completion.usage or Usage()
    message = body(completion, call)
    keep(request.raw, message, call)
    start = {**message, "content": [], "stop_reason": None, "stop_sequence": None}
    start["usage"] = {**usage_body(usage), "output_tokens": 1}
    yield event("message_start", {"type": "message_start", "message": start}, "open")
    for index, block in enumerate(completion.first.blocks):
        yield event("content_block_start", _opened(block, index), "open")
        if index == 0:
            yield event("ping", {"type": "ping"}, "ping")
        for delta, kind, tokens in _deltas(block, call):
            data = {"type": "content_block_delta", "index": index, "delta": delta}
            yield event("content_block_delta", data, kind, tokens)
        yield event("content_block_stop", {"type": "content_block_stop", "index": index}, "close")
    ended = {"stop_reason": reason(completion), "stop_sequence": completion.stop_sequence}
    total = {
        "input_tokens": usage.prompt - usage.cached,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": usage.cached,
        "output_tokens": usage.completion,
    }
    yield event("message_delta", {"type": "message_delta", "delta": ended, "usage": total}, "finish")
    yield event("message_stop", {"type": "message_stop"}, "done")


def _opened(block: Block, index: int) -> dict[str, Any]:
    match block:
        case Thinking(text, redacted=True):
            opened: dict[str, Any] = {"type": "redacted_thinking", "data": text}
        case Thinking():
            opened = {"type": "thinking", "thinking": "", "signature": ""}
        case ToolCall():
            opened = {"type": "tool_use", "id": block.id, "name": block.name, "input": {}}
        case _:
            opened = {"type": "text", "text": ""}
    return {"type": "content_block_start", "index": index, "content_block": opened}


def _deltas(block: Block, call: Call) -> Iterator[tuple[dict[str, Any], str, int]]:
    rng, most = call.seed.rng("chunks"), call.settings.chunk_tokens
    match block:
        case Thinking(redacted=True):
            return
        case Thinking(text):
            for piece, tokens in chunks(text, rng, most):
                yield {"type": "thinking_delta", "thinking": piece}, "thinking", tokens
            yield {"type": "signature_delta", "signature": signature(block, call)}, "close", 0
        case ToolCall():
            yield {"type": "input_json_delta", "partial_json": ""}, "tool", 0
            for piece, tokens in chunks(block.arguments if block.arguments != "{}" else "", rng, most):
                yield {"type": "input_json_delta", "partial_json": piece}, "tool", tokens
        case Text(text):
            for piece, tokens in chunks(text, rng, most):
                yield {"type": "text_delta", "text": piece}, "text", tokens
        case Refusal(text):
            for piece, tokens in chunks(text, rng, most):
                yield {"type": "text_delta", "text": piece}, "refusal", tokens
