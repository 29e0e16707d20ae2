"""A completion as candidates: whole, as server-sent events, or as a JSON array that grows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from mock_llm.codecs._gemini import as_events, headers
from mock_llm.codecs.protocol import Call, Frame, Reply
from mock_llm.completion import Block, Choice, Completion, Refusal, Request, Text, Thinking, ToolCall, Usage
from mock_llm.tokens import chunks

_FINISH = {"length": "MAX_TOKENS", "content_filter": "SAFETY", "refusal": "SAFETY", "tool_calls": "STOP"}


def render(completion: Completion, request: Request, call: Call) -> Reply:
    """The whole answer."""
    usage = completion.usage or Usage()
    body = {
        "candidates": [_candidate(i, choice, request) for i, choice in enumerate(completion.choices)],
        **_tail(completion, call, usage),
    }
    return Reply(200, orjson.dumps(body), headers(), completion.model, usage)


def stream(completion: Completion, request: Request, call: Call) -> Iterator[Frame]:
    """Parts in pieces (candidates take turns), each function call whole; at last the reasons with all the counts."""
    events, usage = as_events(call), completion.usage or Usage()
    first, said = True, 0

    def frame(candidate: dict[str, Any], kind: str, tokens: int) -> Frame:
        nonlocal first, said
        said += tokens
        last = kind == "finish"
        counted = usage if last else Usage(usage.prompt, min(said, usage.completion), usage.cached)
        data = orjson.dumps({"candidates": [candidate], **_tail(completion, call, counted)})
        if events:
            return Frame(b"data: " + data + b"\r\n\r\n", kind, tokens)
        before, first = (b"[" if first else b",\r\n"), False
        return Frame(before + data, kind, tokens)

    lanes = [_pieces(i, choice, request, call) for i, choice in enumerate(completion.choices)]
    while lanes:
        for lane in list(lanes):
            item = next(lane, None)
            if item is None:
                lanes.remove(lane)
                continue
            yield frame(*item)
    for index, choice in enumerate(completion.choices):
        content = {"content": {"parts": [{"text": ""}], "role": "model"}} if choice.refusal is None else {}
        yield frame({**content, **_finish(choice), "index": index}, "finish", 0)
    if not events:
        yield Frame(b"]", "done")


def _pieces(index: int, choice: Choice, request: Request, call: Call) -> Iterator[tuple[dict[str, Any], str, int]]:
    rng = call.seed.rng(f"chunks{index}")
    for block in _shown(choice, request):
        if isinstance(block, ToolCall):
            size = sum(n for _, n in chunks(block.arguments, rng, 8)) + 1
            yield _content(index, [_part(block)]), "tool", size
        elif isinstance(block, Text | Thinking):
            kind = "thinking" if isinstance(block, Thinking) else "text"
            thought = {"thought": True} if isinstance(block, Thinking) else {}
            for text, tokens in chunks(block.text, rng, call.settings.chunk_tokens):
                yield _content(index, [{"text": text, **thought}]), kind, tokens


def _content(index: int, parts: list[dict[str, Any]]) -> dict[str, Any]:
    return {"content": {"parts": parts, "role": "model"}, "index": index}


def _candidate(index: int, choice: Choice, request: Request) -> dict[str, Any]:
    parts = [_part(block) for block in _shown(choice, request)]
    if choice.refusal is not None:
        return {**_finish(choice), "index": index}
    return {
        "content": {"parts": parts, "role": "model"} if parts else {"role": "model"},
        **_finish(choice),
        "index": index,
    }


def _shown(choice: Choice, request: Request) -> Iterator[Block]:
    """Thoughts only where the client asked for them."""
    for block in choice.blocks:
        hidden = isinstance(block, Thinking) and not request.params.thinking
        broken = isinstance(block, ToolCall) and _object(block.arguments) is None
        if not (hidden or broken or isinstance(block, Refusal)):
            yield block


def _part(block: Block) -> dict[str, Any]:
    if isinstance(block, ToolCall):
        return {"functionCall": {"id": block.id, "name": block.name, "args": _object(block.arguments)}}
    if isinstance(block, Thinking):
        signed = {"thoughtSignature": block.signature} if block.signature else {}
        return {"text": block.text, "thought": True, **signed}
    return {"text": getattr(block, "text", "")}


def _finish(choice: Choice) -> dict[str, Any]:
    """Why it ended. A call that is not JSON never arrives: only its reason does, as from Gemini."""
    if any(_object(call.arguments) is None for call in choice.calls):
        said = "".join(f"Malformed function call: {call.name}({call.arguments})" for call in choice.calls)
        return {"finishReason": "MALFORMED_FUNCTION_CALL", "finishMessage": said}
    if choice.refusal is not None:
        return {"finishReason": "SAFETY", "finishMessage": choice.refusal}
    return {"finishReason": _FINISH.get(choice.finish or "stop", "STOP")}


def _tail(completion: Completion, call: Call, usage: Usage) -> dict[str, Any]:
    counts: dict[str, Any] = {
        "promptTokenCount": usage.prompt,
        "candidatesTokenCount": max(0, usage.completion - usage.reasoning),
        "totalTokenCount": usage.prompt + usage.completion,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": usage.prompt}],
    }
    if usage.reasoning:
        counts["thoughtsTokenCount"] = usage.reasoning
    if usage.cached:
        counts["cachedContentTokenCount"] = usage.cached
    return {"usageMetadata": counts, "modelVersion": completion.model, "responseId": call.id("", "response", 22)}


def _object(arguments: str) -> dict[str, Any] | None:
    try:
        found = orjson.loads(arguments)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
