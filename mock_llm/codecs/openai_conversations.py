"""OpenAI's conversations: the items that responses read and to which they add."""

from __future__ import annotations

from typing import Any

import orjson

from mock_llm.codecs import _openai
from mock_llm.codecs._openai import invalid
from mock_llm.codecs._openai_pages import page
from mock_llm.codecs._openai_plain import PlainOpenAI
from mock_llm.codecs.openai_responses.history import CONVERSATION, made_up
from mock_llm.codecs.openai_responses.items import Item, ident, kept
from mock_llm.codecs.openai_responses.validate import check_items
from mock_llm.codecs.protocol import ApiError, Call, Reply, Route

_MOST = 20  # items in one request


def create(call: Call) -> Reply:
    """POST /conversations, with items to start from."""
    raw = _body(call)
    name = ident(call, "conv_")
    items = _given(raw.get("items") or [], call)
    body = {
        "id": name,
        "object": "conversation",
        "created_at": call.created,
        "metadata": raw.get("metadata") or {},
    }
    call.store.put(CONVERSATION, name, {"body": body, "items": items})
    return _reply(call, body)


def retrieve(call: Call) -> Reply:
    """GET /conversations/{id}"""
    return _reply(call, _found(call)["body"])


def update(call: Call) -> Reply:
    """POST /conversations/{id}: only metadata can change."""
    record = _found(call)
    body = {**record["body"], "metadata": _body(call).get("metadata") or {}}
    if call.store.get(CONVERSATION, body["id"]) is not None:
        call.store.put(CONVERSATION, body["id"], {**record, "body": body})
    return _reply(call, body)


def delete(call: Call) -> Reply:
    """DELETE /conversations/{id}"""
    name = _found(call)["body"]["id"]
    call.store.delete(CONVERSATION, name)
    return _reply(call, {"id": name, "object": "conversation.deleted", "deleted": True})


def add_items(call: Call) -> Reply:
    """POST /conversations/{id}/items"""
    record = _found(call)
    given = _body(call).get("items")
    if not isinstance(given, list) or not given:
        raise invalid("Missing required parameter: 'items'.", "items", "missing_required_parameter")
    items = _given(given, call)
    name = record["body"]["id"]
    if call.store.get(CONVERSATION, name) is not None:
        call.store.put(CONVERSATION, name, {**record, "items": [*record["items"], *items]})
    return _reply(
        call,
        {
            "object": "list",
            "data": items,
            "first_id": items[0]["id"],
            "last_id": items[-1]["id"],
            "has_more": False,
        },
    )


def list_items(call: Call) -> Reply:
    """GET /conversations/{id}/items, newest first unless `order=asc`."""
    shown = page(call, _found(call)["items"], order="desc")
    # An empty page names no first and last item, but the API's own description wants texts.
    return _reply(call, {**shown, "first_id": shown["first_id"] or "", "last_id": shown["last_id"] or ""})


def retrieve_item(call: Call) -> Reply:
    """GET /conversations/{id}/items/{item}"""
    return _reply(call, _item(call, _found(call)))


def delete_item(call: Call) -> Reply:
    """DELETE /conversations/{id}/items/{item}: answers with the conversation."""
    record = _found(call)
    gone = _item(call, record)
    name = record["body"]["id"]
    if call.store.get(CONVERSATION, name) is not None:
        rest = [item for item in record["items"] if item["id"] != gone["id"]]
        call.store.put(CONVERSATION, name, {**record, "items": rest})
    return _reply(call, record["body"])


def _body(call: Call) -> dict[str, Any]:
    return call.json if isinstance(call.json, dict) else {}


def _given(items: Any, call: Call) -> list[Item]:
    check_items(items, "items")
    if len(items) > _MOST:
        raise invalid(
            f"Invalid 'items': array too long. Expected an array with maximum length {_MOST}, but got an array "
            f"with length {len(items)} instead.",
            "items",
            "array_above_max_length",
        )
    return kept(items, call)


def _found(call: Call) -> dict[str, Any]:
    """The record. An id from elsewhere has an empty one made up in auto mode, which is not kept."""
    name = call.params["id"]
    record: dict[str, Any] | None = call.store.get(CONVERSATION, name)
    if record is not None:
        return record
    if not made_up(call, name):
        raise ApiError(404, f"Conversation with id '{name}' not found.")
    body = {"id": name, "object": "conversation", "created_at": call.created, "metadata": {}}
    return {"body": body, "items": []}


def _item(call: Call, record: dict[str, Any]) -> Item:
    name = call.params["item"]
    for item in record["items"]:
        if item["id"] == name:
            return dict(item)
    conversation = record["body"]["id"]
    if call.store.get(CONVERSATION, conversation) is not None or not made_up(call, name):
        raise ApiError(404, f"Item with id '{name}' not found in conversation with id '{conversation}'.")
    made = {"id": name, "role": "user", "content": "This message was not recorded.", "type": "message"}
    return kept([made], call)[0]


def _reply(call: Call, body: dict[str, Any]) -> Reply:
    return Reply(200, orjson.dumps(body), _openai.headers(call))


CODEC = PlainOpenAI(
    "openai-conversations",
    _openai.routes(
        Route("POST", "/v1/conversations", create),
        Route("GET", "/v1/conversations/{id}", retrieve),
        Route("POST", "/v1/conversations/{id}", update),
        Route("DELETE", "/v1/conversations/{id}", delete),
        Route("POST", "/v1/conversations/{id}/items", add_items),
        Route("GET", "/v1/conversations/{id}/items", list_items),
        Route("GET", "/v1/conversations/{id}/items/{item}", retrieve_item),
        Route("DELETE", "/v1/conversations/{id}/items/{item}", delete_item),
    ),
)
