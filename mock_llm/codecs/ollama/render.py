"""A completion as Ollama gives it: whole, or line by line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from mock_llm.codecs._ollama import JSON, durations, line, moment
from mock_llm.codecs.ollama.parse import GENERATE
from mock_llm.codecs.openai_chat.logprobs import token_logprobs
from mock_llm.codecs.protocol import Call, Frame, Reply
from mock_llm.completion import Completion, Refusal, Request, Text, Thinking, ToolCall, Usage
from mock_llm.tokens import chunks


def render(completion: Completion, request: Request, call: Call) -> Reply:
    """The whole answer."""
    usage = completion.usage or Usage()
    text, thought = "", ""
    calls: list[dict[str, Any]] = []
    for block in _blocks(completion, request, call):
        if isinstance(block, ToolCall):
            calls.append(_called(block, len(calls)))
        elif isinstance(block, Thinking):
            thought += block.text
        else:
            text += block.text
    probs = {"logprobs": token_logprobs(text, request, call, "0")} if request.params.logprobs else {}
    body = {**_head(completion, call), **_said(call, text, thought, calls), **_end(completion, request, call), **probs}
    return Reply(200, orjson.dumps(body), JSON, completion.model, usage)


def stream(completion: Completion, request: Request, call: Call) -> Iterator[Frame]:
    """Thoughts and text in pieces, each tool call whole on a line, at last the line with `done` and the counts."""
    head = _head(completion, call)
    rng = call.seed.rng("chunks0")
    calls = 0
    for block in _blocks(completion, request, call):
        if isinstance(block, ToolCall):
            said = _said(call, "", "", [_called(block, calls)])
            calls += 1
            yield line({**head, **said, "done": False}, "tool", sum(n for _, n in chunks(block.arguments, rng, 8)) + 1)
            continue
        thinking = isinstance(block, Thinking)
        kind = "thinking" if thinking else "refusal" if isinstance(block, Refusal) else "text"
        for text, tokens in chunks(block.text, rng, call.settings.chunk_tokens):
            said = _said(call, "" if thinking else text, text if thinking else "", [])
            if request.params.logprobs and not thinking:
                said["logprobs"] = token_logprobs(text, request, call, f"0{text}")
            yield line({**head, **said, "done": False}, kind, tokens)
    yield line({**head, **_said(call, "", "", []), **_end(completion, request, call)}, "done")


def _blocks(completion: Completion, request: Request, call: Call) -> Iterator[Text | Refusal | Thinking | ToolCall]:
    """What is said. A call whose arguments are no object comes as text: Ollama parses what the model writes."""
    for block in completion.first.blocks:
        if isinstance(block, Thinking) and request.raw.get("think") is False:
            continue
        if isinstance(block, ToolCall) and (call.path == GENERATE or _object(block.arguments) is None):
            yield Text(f'{{"name": "{block.name}", "parameters": {block.arguments}}}')
        elif isinstance(block, Text | Refusal | Thinking | ToolCall):
            yield block


def _head(completion: Completion, call: Call) -> dict[str, Any]:
    return {"model": completion.model, "created_at": moment(call.created)}


def _said(call: Call, text: str, thought: str, calls: list[dict[str, Any]]) -> dict[str, Any]:
    thinking = {"thinking": thought} if thought else {}
    if call.path == GENERATE:
        return {"response": text, **thinking}
    made: dict[str, Any] = {"role": "assistant", "content": text, **thinking}
    return {"message": {**made, "tool_calls": calls} if calls else made}


def _end(completion: Completion, request: Request, call: Call) -> dict[str, Any]:
    usage = completion.usage or Usage()
    reason = "length" if completion.first.finish == "length" else "stop"
    remembers = call.path == GENERATE and not request.raw.get("raw")
    context = {"context": _context(call, usage)} if remembers else {}
    return {"done": True, "done_reason": reason, **context, **durations(usage.prompt, usage.completion)}


def _context(call: Call, usage: Usage) -> list[int]:
    """An encoding of the conversation, as `context` carries it: numbers that look like tokens."""
    rng = call.seed.rng("context")
    return [rng.randrange(128_000) for _ in range(min(64, usage.prompt + usage.completion))]


def _called(block: ToolCall, index: int) -> dict[str, Any]:
    function = {"index": index, "name": block.name, "arguments": _object(block.arguments)}
    return {"id": block.id, "function": function}


def _object(arguments: str) -> dict[str, Any] | None:
    try:
        found = orjson.loads(arguments)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
