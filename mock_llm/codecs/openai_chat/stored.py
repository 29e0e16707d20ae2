"""Stored completions: retrieve, list, update, delete, and the messages they answered."""

from __future__ import annotations

import re
from typing import Any

import orjson

from mock_llm.codecs import _openai
from mock_llm.codecs.openai_chat.render import render
from mock_llm.codecs.protocol import ApiError, Call, Reply, Route
from mock_llm.completion import Choice, Completion, Request, Text, Usage

KIND = "chat.completion"
_OWN = re.compile(r"chatcmpl-[0-9A-Za-z]{29}")  # ids of our own making: not stored, or deleted


def _found(call: Call) -> dict[str, Any]:
    ident = call.params["id"]
    kept: dict[str, Any] | None = call.store.get(KIND, ident)
    if kept is None and call.settings.mode == "auto" and not _OWN.fullmatch(ident):
        kept = _made_up(ident, call)
    if kept is None:
        raise ApiError(404, f"No chat completion found with id '{ident}'.", param="completion_id")
    return kept


def _made_up(ident: str, call: Call) -> dict[str, Any]:
    """A completion that somebody else stored: auto mode makes up what it was; it is not kept."""
    model = (call.settings.models or ("gpt-4o",))[0]
    request = Request("openai-chat", model, ())
    said = Completion((Choice((Text("This is a mock answer."),), "stop"),), Usage(0, 6), model)
    body = orjson.loads(render(said, request, call).body)
    messages = [{"role": "assistant", "content": "This message was not recorded.", "refusal": None}]
    return {"body": {**body, "id": ident, "metadata": {}}, "messages": messages}


def _reply(call: Call, body: dict[str, Any]) -> Reply:
    return Reply(200, orjson.dumps(body), _openai.headers(call), str(body.get("model", "")))


def retrieve(call: Call) -> Reply:
    """GET /chat/completions/{id}"""
    return _reply(call, _found(call)["body"])


def update(call: Call) -> Reply:
    """POST /chat/completions/{id}: only metadata can change."""
    kept = _found(call)
    raw = call.json if isinstance(call.json, dict) else {}
    if not isinstance(raw.get("metadata"), dict | None):
        raise _openai.invalid("Invalid type for 'metadata': expected an object.", "metadata", "invalid_type")
    body = {**kept["body"], "metadata": raw.get("metadata") or {}}
    if call.store.get(KIND, body["id"]) is not None:
        call.store.put(KIND, body["id"], {**kept, "body": body})
    return _reply(call, body)


def delete(call: Call) -> Reply:
    """DELETE /chat/completions/{id}"""
    ident = _found(call)["body"]["id"]
    call.store.delete(KIND, ident)
    return _reply(call, {"object": "chat.completion.deleted", "id": ident, "deleted": True})


def list_all(call: Call) -> Reply:
    """GET /chat/completions, by model and metadata, in pages."""
    wanted = {key: value[0] for key, value in call.query.items()}
    model = wanted.get("model")
    metadata = {key[9:-1]: value for key, value in wanted.items() if key.startswith("metadata[")}
    items = [
        kept["body"]
        for _, kept in call.store.items(KIND)
        if (model is None or kept["body"]["model"] == model)
        and all(kept["body"]["metadata"].get(key) == value for key, value in metadata.items())
    ]
    return _page(call, items, wanted)


def messages(call: Call) -> Reply:
    """GET /chat/completions/{id}/messages"""
    kept = _found(call)
    ident = kept["body"]["id"]
    items = [{"id": f"{ident}-{i}", "name": None, **item} for i, item in enumerate(kept["messages"])]
    return _page(call, items, {key: value[0] for key, value in call.query.items()})


def _page(call: Call, items: list[dict[str, Any]], wanted: dict[str, str]) -> Reply:
    if wanted.get("order") == "desc":
        items = items[::-1]
    after = wanted.get("after")
    if after:
        ids = [item["id"] for item in items]
        items = items[ids.index(after) + 1 :] if after in ids else []
    limit = max(1, min(int(wanted["limit"]), 100)) if wanted.get("limit", "").isdigit() else 20
    page = items[:limit]
    return _reply(
        call,
        {
            "object": "list",
            "data": page,
            "first_id": page[0]["id"] if page else None,
            "last_id": page[-1]["id"] if page else None,
            "has_more": len(items) > limit,
        },
    )


ROUTES = (
    Route("GET", "/v1/chat/completions", list_all),
    Route("GET", "/v1/chat/completions/{id}", retrieve),
    Route("POST", "/v1/chat/completions/{id}", update),
    Route("DELETE", "/v1/chat/completions/{id}", delete),
    Route("GET", "/v1/chat/completions/{id}/messages", messages),
)
