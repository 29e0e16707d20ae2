"""A response as the typed events of a stream, in the order in which OpenAI sends them.

    response.created, [queued,] in_progress
    for each item: output_item.added
        message    content_part.added, output_text.delta*, output_text.done, content_part.done   for each part
        reasoning  reasoning_summary_part.added, ..._text.delta*, ..._text.done, ..._part.done    for each part
        call       function_call_arguments.delta*, function_call_arguments.done
      output_item.done
    response.completed (incomplete, where it was cut)

They depend on the finished response and a seed alone, so that a stream can be resumed later.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from mock_llm.codecs.openai_responses.items import CALLS, Item
from mock_llm.codecs.openai_responses.render import pending
from mock_llm.codecs.protocol import Frame
from mock_llm.seed import Seed
from mock_llm.tokens import chunks

Event = tuple[str, dict[str, Any], str, int]  # type, fields, kind of frame, tokens
_BLOCK = 16  # obfuscation pads each delta to a multiple of so many characters


def frames(body: dict[str, Any], seed: Seed, chunk: int, *, obfuscate: bool = True, after: int = -1) -> Iterator[Frame]:
    """Frames with sequence numbers from 0; those up to `after` are left out."""
    for number, (kind, fields, frame, tokens) in enumerate(_events(body, seed, chunk)):
        if number <= after:
            continue
        data = {"type": kind, **fields, "sequence_number": number}
        if obfuscate and kind.endswith(".delta"):
            text = fields["delta"]
            data["obfuscation"] = seed.letters(f"obfuscation{number}", _BLOCK - len(text) % _BLOCK)
        yield Frame(b"event: %s\ndata: %s\n\n" % (kind.encode(), orjson.dumps(data)), frame, tokens)


def _events(body: dict[str, Any], seed: Seed, chunk: int) -> Iterator[Event]:
    waiting = pending(body, "queued" if body["background"] else "in_progress")
    running = pending(body, "in_progress")
    yield "response.created", {"response": waiting}, "open", 0
    if body["background"]:
        yield "response.queued", {"response": waiting}, "open", 0
    yield "response.in_progress", {"response": running}, "open", 0
    for index, item in enumerate(body["output"]):
        yield from _item(item, index, seed, chunk)
    yield f"response.{body['status']}", {"response": body}, "done", 0


def _item(item: Item, index: int, seed: Seed, chunk: int) -> Iterator[Event]:
    at = {"output_index": index}
    kind = item["type"]
    started = {**item, "status": "in_progress"} if "status" in item else dict(item)
    if kind == "message":
        started["content"] = []
    elif kind == "reasoning":
        started["summary"] = []
    elif kind in CALLS:
        started[CALLS[kind]] = ""
    yield "response.output_item.added", {**at, "item": started}, "tool" if kind in CALLS else "open", 0
    at = {"item_id": item["id"], **at}
    if kind == "message":
        for number, part in enumerate(item["content"]):
            yield from _part(part, {**at, "content_index": number}, seed, chunk)
    elif kind == "reasoning":
        for number, part in enumerate(item["summary"]):
            yield from _summary(part, {**at, "summary_index": number}, seed, chunk)
    elif kind in CALLS:
        yield from _call(item, kind, at, seed, chunk)
    yield "response.output_item.done", {"output_index": index, "item": item}, "close", 0


def _part(part: Item, at: dict[str, Any], seed: Seed, chunk: int) -> Iterator[Event]:
    refused = part["type"] == "refusal"
    key, word = ("refusal", "response.refusal") if refused else ("text", "response.output_text")
    empty = {**part, key: ""} if refused else {**part, key: "", "logprobs": []}
    probs = list(part.get("logprobs") or ())
    text = part[key]
    yield "response.content_part.added", {**at, "part": empty}, "open", 0
    for delta, tokens in chunks(text, seed.rng(f"chunks{at['output_index']}.{at['content_index']}"), chunk):
        fields = {**at, "delta": delta}
        if not refused:
            # A probability for each token, where they were asked for.
            fields["logprobs"], probs = probs[:tokens], probs[tokens:]
        yield f"{word}.delta", fields, "refusal" if refused else "text", tokens
    done = {**at, key: text}
    if not refused:
        done["logprobs"] = part.get("logprobs") or []
    yield f"{word}.done", done, "close", 0
    yield "response.content_part.done", {**at, "part": part}, "close", 0


def _summary(part: Item, at: dict[str, Any], seed: Seed, chunk: int) -> Iterator[Event]:
    yield "response.reasoning_summary_part.added", {**at, "part": {**part, "text": ""}}, "open", 0
    for delta, tokens in chunks(part["text"], seed.rng(f"chunks{at['output_index']}.{at['summary_index']}"), chunk):
        yield "response.reasoning_summary_text.delta", {**at, "delta": delta}, "thinking", tokens
    yield "response.reasoning_summary_text.done", {**at, "text": part["text"]}, "close", 0
    yield "response.reasoning_summary_part.done", {**at, "part": part}, "close", 0


def _call(item: Item, kind: str, at: dict[str, Any], seed: Seed, chunk: int) -> Iterator[Event]:
    key = CALLS[kind]
    word = "response.function_call_arguments" if kind == "function_call" else "response.custom_tool_call_input"
    for delta, tokens in chunks(item[key], seed.rng(f"chunks{at['output_index']}"), chunk):
        yield f"{word}.delta", {**at, "delta": delta}, "tool", tokens
    yield f"{word}.done", {**at, key: item[key]}, "close", 0
