"""Responses afterwards: retrieve, resume their stream, delete, cancel, list what went in; and count, compact."""

from __future__ import annotations

from typing import Any

import orjson

from mock_llm.codecs import _openai
from mock_llm.codecs._openai_pages import page
from mock_llm.codecs.openai_responses.events import frames
from mock_llm.codecs.openai_responses.history import RESPONSE, history, made_up, own_items
from mock_llm.codecs.openai_responses.items import compacted, ident, kept
from mock_llm.codecs.openai_responses.parse import USUAL_MODEL, parse, read
from mock_llm.codecs.openai_responses.render import pending, response, usage_body
from mock_llm.codecs.protocol import ApiError, Call, Reply, Route
from mock_llm.completion import Choice, Completion, Request, Text, Usage
from mock_llm.seed import Seed
from mock_llm.tokens import count, prompt_tokens


def _found(call: Call) -> dict[str, Any]:
    """The record. An id from elsewhere has one made up in auto mode, which is not kept."""
    name = call.params["id"]
    record: dict[str, Any] | None = call.store.get(RESPONSE, name)
    if record is not None:
        return record
    if not made_up(call, name):
        raise ApiError(404, f"Response with id '{name}' not found.", kind="invalid_request")
    model = (call.settings.models or (USUAL_MODEL,))[0]
    request = Request("openai-responses", model, ())
    said = Completion((Choice((Text("This is a mock answer."),), "stop"),), Usage(0, 6), model)
    return {
        "body": response(said, request, call, name),
        "input": kept("This question was not recorded.", call),
        "seed": Seed(name),
        "chunk": call.settings.chunk_tokens,
        "ahead": (),
    }


def _reply(call: Call, body: dict[str, Any]) -> Reply:
    return Reply(200, orjson.dumps(body), _openai.headers(call), str(body.get("model", "")))


def _now(record: dict[str, Any]) -> dict[str, Any]:
    """The body as it stands: one of the background is not complete before it was looked at twice."""
    ahead, body = record["ahead"], record["body"]
    return pending(body, "in_progress" if len(ahead) < 2 else "queued") if ahead else body


def retrieve(call: Call) -> Reply:
    """GET /responses/{id}, as it is or, with `stream=true`, its events after `starting_after`."""
    record = _found(call)
    query = {key: values[0] for key, values in call.query.items()}
    if query.get("stream") == "true":
        after = query.get("starting_after", "")
        if after and not after.isdigit():
            raise _openai.invalid("Invalid type for 'starting_after': expected an integer.", "starting_after")
        made = frames(
            record["body"],
            record["seed"],
            record["chunk"],
            obfuscate=query.get("include_obfuscation") != "false",
            after=int(after) if after else -1,
        )
        if record["ahead"]:
            call.store.put(RESPONSE, record["body"]["id"], {**record, "ahead": ()})
        return Reply(200, b"".join(frame.data for frame in made), _openai.stream_headers(call), record["body"]["model"])
    if record["ahead"]:
        record = {**record, "ahead": record["ahead"][1:]}
        call.store.put(RESPONSE, record["body"]["id"], record)
    return _reply(call, _now(record))


def delete(call: Call) -> Reply:
    """DELETE /responses/{id}"""
    name = _found(call)["body"]["id"]
    call.store.delete(RESPONSE, name)
    return _reply(call, {"id": name, "object": "response", "deleted": True})


def cancel(call: Call) -> Reply:
    """POST /responses/{id}/cancel: a background response that is not complete stops and says nothing."""
    record = _found(call)
    body = record["body"]
    stored = call.store.get(RESPONSE, body["id"]) is not None
    if stored and not body["background"]:
        raise _openai.invalid("Cannot cancel a synchronous response.")
    if record["ahead"]:
        body = pending(body, "cancelled")
        call.store.put(RESPONSE, body["id"], {**record, "body": body, "ahead": ()})
    elif not stored:
        body = pending({**body, "background": True}, "cancelled")
    return _reply(call, body)


def input_items(call: Call) -> Reply:
    """GET /responses/{id}/input_items, newest first unless `order=asc`."""
    return _reply(call, page(call, _found(call)["input"], order="desc"))


def input_tokens(call: Call) -> Reply:
    """POST /responses/input_tokens: what the same body would use as a prompt."""
    used = prompt_tokens(read(call))
    body = {"object": "response.input_tokens", "input_tokens": used}
    return Reply(200, orjson.dumps(body), _openai.headers(call, used), usage=Usage(used))


def compact(call: Call) -> Reply:
    """POST /responses/compact: one item that stands for the whole conversation."""
    request = parse(call)
    raw = dict(request.raw)
    items = history(raw, call) + own_items(raw, call)
    item = compacted(items, call)
    usage = Usage(prompt_tokens(request), max(1, sum(count(turn.text) for turn in request.turns) // 4))
    body = {
        "id": ident(call, "resp_"),
        "object": "response.compaction",
        "created_at": call.created,
        "output": [item],
        "usage": usage_body(usage),
    }
    return Reply(200, orjson.dumps(body), _openai.headers(call, usage.prompt), request.model, usage)


ROUTES = (
    Route("POST", "/v1/responses/input_tokens", input_tokens),
    Route("POST", "/v1/responses/compact", compact),
    Route("GET", "/v1/responses/{id}", retrieve),
    Route("DELETE", "/v1/responses/{id}", delete),
    Route("POST", "/v1/responses/{id}/cancel", cancel),
    Route("GET", "/v1/responses/{id}/input_items", input_items),
)
