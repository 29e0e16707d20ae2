"""A `chat.completion` as chunks, in the order in which OpenAI sends them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from mock_llm.codecs.openai_chat.logprobs import token_logprobs
from mock_llm.codecs.openai_chat.render import FINISH, fingerprint, render, usage_body
from mock_llm.codecs.protocol import Call, Frame
from mock_llm.completion import Choice, Completion, Refusal, Request, Text, Thinking, ToolCall, Usage
from mock_llm.tokens import chunks

DONE = Frame(b"data: [DONE]\n\n", "done")


def stream(completion: Completion, request: Request, call: Call) -> Iterator[Frame]:
    """Role first; then deltas (choices take turns); finish reasons; usage if asked for; [DONE].

    A tool call names its id, type and function once; its arguments follow in pieces, `index` on each.
    """
    if request.raw.get("store"):
        render(completion, request, call)  # so that it can be retrieved
    options = request.raw.get("stream_options") or {}
    with_usage = bool(options.get("include_usage"))
    head: dict[str, Any] = {
        "id": call.id("chatcmpl-", length=29),
        "object": "chat.completion.chunk",
        "created": call.created,
        "model": completion.model,
        "service_tier": "default",
        "system_fingerprint": fingerprint(completion.model),
    }
    tail = b',"usage":null}\n\n' if with_usage else b"}\n\n"
    opening = b"data: " + orjson.dumps(head)[:-1] + b',"choices":['

    def frame(choice: dict[str, Any], kind: str, tokens: int = 0) -> Frame:
        return Frame(opening + orjson.dumps(choice) + b"]" + tail, kind, tokens)

    lanes = [_deltas(i, c, request, call) for i, c in enumerate(completion.choices)]
    for index in range(len(lanes)):
        yield frame(_chunk(index, {"role": "assistant", "content": "", "refusal": None}), "open")
    while lanes:
        for lane in list(lanes):
            item = next(lane, None)
            if item is None:
                lanes.remove(lane)
                continue
            yield frame(*item)
    for index, choice in enumerate(completion.choices):
        reason = FINISH.get(choice.finish or "stop", choice.finish)
        yield frame(_chunk(index, {}, reason), "finish")
    if with_usage:
        body = {**head, "choices": [], "usage": usage_body(completion.usage or Usage())}
        yield Frame(b"data: " + orjson.dumps(body) + b"\n\n", "usage")
    yield DONE


def _chunk(index: int, delta: dict[str, Any], finish: str | None = None, logprobs: Any = None) -> dict[str, Any]:
    return {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish}


def _deltas(index: int, choice: Choice, request: Request, call: Call) -> Iterator[tuple[dict[str, Any], str, int]]:
    rng = call.seed.rng(f"chunks{index}")
    largest = call.settings.chunk_tokens
    calls = 0
    for block in choice.blocks:
        if isinstance(block, ToolCall):
            yield _chunk(index, {"tool_calls": [_start(calls, block)]}), "tool", 1
            word, key = ("custom", "input") if block.custom else ("function", "arguments")
            for text, tokens in chunks(block.arguments, rng, largest):
                yield _chunk(index, {"tool_calls": [{"index": calls, word: {key: text}}]}), "tool", tokens
            calls += 1
        elif isinstance(block, Text | Refusal | Thinking):
            key, kind = _NAMES[type(block)]
            for text, tokens in chunks(block.text, rng, largest):
                yield _chunk(index, {key: text}, None, _probs(request, call, text, key, index)), kind, tokens


_NAMES: dict[type, tuple[str, str]] = {
    Text: ("content", "text"),
    Refusal: ("refusal", "refusal"),
    Thinking: ("reasoning_content", "thinking"),
}


def _start(index: int, block: ToolCall) -> dict[str, Any]:
    if block.custom:
        return {"index": index, "id": block.id, "type": "custom", "custom": {"name": block.name, "input": ""}}
    function = {"name": block.name, "arguments": ""}
    return {"index": index, "id": block.id, "type": "function", "function": function}


def _probs(request: Request, call: Call, text: str, key: str, index: int) -> dict[str, Any] | None:
    if not request.params.logprobs or key == "reasoning_content":
        return None
    found = token_logprobs(text, request, call, f"{index}{text}")
    return {"content": found, "refusal": None} if key == "content" else {"content": None, "refusal": found}
