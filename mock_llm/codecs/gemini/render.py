"""A completion as candidates: whole, as server-sent events, or as a JSON array that grows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from mock_llm.codecs._gemini import as_events, headers
from mock_llm.codecs.gemini.signatures import signature, signs
from mock_llm.codecs.protocol import Call, Frame, Reply
from mock_llm.completion import Block, Choice, Completion, Request, Text, Thinking, ToolCall, Usage
from mock_llm.tokens import chunks

_BLOCKED: dict[str, Any] = {"promptFeedback": {"blockReason": "SAFETY"}}
_FINISH = {"length": "MAX_TOKENS", "content_filter": "SAFETY", "refusal": "SAFETY", "tool_calls": "STOP"}


def render(completion: Completion, request: Request, call: Call) -> Reply:
    """The whole answer."""
    usage = completion.usage or Usage()
    body = {
        **(_BLOCKED if _blocked(completion) else {"candidates": _candidates(completion, request, call)}),
        **_tail(completion, call, usage),
    }
    return Reply(200, orjson.dumps(body), headers(), completion.model, usage)


def stream(completion: Completion, request: Request, call: Call) -> Iterator[Frame]:
    """Parts in pieces (candidates take turns), each function call whole; at last the reasons with all the counts.

    In the array each element but the last brings the comma after it, so that elements can be lost, doubled or moved.
    """
    events, usage = as_events(call), completion.usage or Usage()
    said, thought = 0, 0 if request.params.thinking else usage.reasoning  # what is not shown was thought before

    def frame(body: dict[str, Any], kind: str, tokens: int, end: bytes = b",\r\n") -> Frame:
        nonlocal said, thought
        if kind == "thinking":
            thought = min(thought + tokens, usage.reasoning)
        else:
            said = min(said + tokens, usage.completion - usage.reasoning)
        counted = usage if kind == "finish" else Usage(usage.prompt, said + thought, usage.cached, thought)
        data = orjson.dumps({**body, **_tail(completion, call, counted)})
        return Frame(b"data: " + data + b"\r\n\r\n" if events else data + end, kind, tokens)

    if not events:
        yield Frame(b"[", "open")
    lanes = [_pieces(i, choice, request, call) for i, choice in enumerate(completion.choices)]
    while lanes:
        for lane in list(lanes):
            item = next(lane, None)
            if item is None:
                lanes.remove(lane)
                continue
            candidate, kind, tokens = item
            yield frame({"candidates": [candidate]}, kind, tokens)
    ends: list[dict[str, Any]] = [{"candidates": [_last(i, choice)]} for i, choice in enumerate(completion.choices)]
    if _blocked(completion):
        ends = [_BLOCKED]
    for ending in ends:
        yield frame(ending, "finish", 0, b"" if ending is ends[-1] else b",\r\n")
    if not events:
        yield Frame(b"]", "done")


def _pieces(index: int, choice: Choice, request: Request, call: Call) -> Iterator[tuple[dict[str, Any], str, int]]:
    rng = call.seed.rng(f"chunks{index}")
    for block, part in _shown(index, choice, request, call):
        if isinstance(block, ToolCall):
            size = sum(n for _, n in chunks(block.arguments, rng, 8)) + 1
            yield _content(index, [part]), "tool", size
        elif isinstance(block, Text | Thinking):
            kind = "thinking" if isinstance(block, Thinking) else "text"
            thought = {"thought": True} if isinstance(block, Thinking) else {}
            for text, tokens in chunks(part["text"], rng, call.settings.chunk_tokens):
                yield _content(index, [{"text": text, **thought}]), kind, tokens


def _content(index: int, parts: list[dict[str, Any]]) -> dict[str, Any]:
    return {"content": {"parts": parts, "role": "model"}, "index": index}


def _last(index: int, choice: Choice) -> dict[str, Any]:
    content = {"content": {"parts": [{"text": ""}], "role": "model"}} if choice.refusal is None else {}
    return {**content, **_finish(choice), "index": index}


def _candidates(completion: Completion, request: Request, call: Call) -> list[dict[str, Any]]:
    return [_candidate(index, choice, request, call) for index, choice in enumerate(completion.choices)]


def _candidate(index: int, choice: Choice, request: Request, call: Call) -> dict[str, Any]:
    if choice.refusal is not None:
        return {**_finish(choice), "index": index}
    parts = [part for _, part in _shown(index, choice, request, call)]
    content = {"parts": parts, "role": "model"} if parts else {"role": "model"}
    return {"content": content, **_finish(choice), "index": index}


def _blocked(completion: Completion) -> bool:
    """Whether the filter let nothing be said at all: it was the prompt, then, that was blocked."""
    return all(
        choice.finish == "content_filter" and not any(getattr(block, "text", block) for block in choice.blocks)
        for choice in completion.choices
    )


def _shown(index: int, choice: Choice, request: Request, call: Call) -> Iterator[tuple[Block, dict[str, Any]]]:
    """Blocks and their parts. Thoughts only where the client asked for them; the first call is signed."""
    signed = not signs(request.model)
    for block in choice.blocks:
        if isinstance(block, ToolCall):
            arguments = _object(block.arguments)
            if arguments is None:
                continue
            part: dict[str, Any] = {"functionCall": {"id": block.id, "name": block.name, "args": arguments}}
            if not signed:
                part["thoughtSignature"], signed = signature(call, index), True
            yield block, part
        elif isinstance(block, Thinking):
            if request.params.thinking:
                proof = {"thoughtSignature": block.signature} if block.signature else {}
                yield block, {"text": block.text, "thought": True, **proof}
        elif isinstance(block, Text):
            yield block, {"text": _bare(block.text) if _enum(request) else block.text}


def _enum(request: Request) -> bool:
    """Whether one of an enum's values was asked for, which comes without JSON's quotes."""
    config = request.raw.get("generationConfig") or request.raw.get("generation_config") or {}
    return "text/x.enum" in (config.get("responseMimeType"), config.get("response_mime_type"))


def _bare(text: str) -> str:
    try:
        found = orjson.loads(text)
    except ValueError:
        return text
    return found if isinstance(found, str) else text


def _finish(choice: Choice) -> dict[str, Any]:
    """Why it ended. A call that is not JSON never arrives: only its reason does, as from Gemini."""
    if any(_object(call.arguments) is None for call in choice.calls):
        said = "".join(f"Malformed function call: {call.name}({call.arguments})" for call in choice.calls)
        return {"finishReason": "MALFORMED_FUNCTION_CALL", "finishMessage": said}
    if choice.refusal is not None:
        return {"finishReason": "SAFETY", "finishMessage": choice.refusal}
    if choice.finish == "tool_calls" and not choice.calls:
        return {"finishReason": "UNEXPECTED_TOOL_CALL"}
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
