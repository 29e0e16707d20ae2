"""Anthropic's message batches. A batch is over as soon as it is made, and answered in auto mode: rules that wait for
a conversation's turns are not spent on it.
"""

from __future__ import annotations

from typing import Any

import orjson

from mock_llm.codecs import _anthropic, anthropic_messages
from mock_llm.codecs._anthropic_plain import PlainAnthropic
from mock_llm.codecs.anthropic_messages.parse import read
from mock_llm.codecs.anthropic_messages.render import body
from mock_llm.codecs.protocol import ApiError, Call, Reply, Route
from mock_llm.script.auto import auto_answer
from mock_llm.shape import finish

KIND = "message_batch"
_PREFIX = "msgbatch_"
_MOST = 100_000


def create(call: Call) -> Reply:
    """POST /v1/messages/batches"""
    raw = call.json if isinstance(call.json, dict) else {}
    requests = raw.get("requests")
    if not isinstance(requests, list):
        raise _anthropic.invalid("requests: Field required")
    if not 1 <= len(requests) <= _MOST:
        raise _anthropic.invalid(f"requests: List should have between 1 and {_MOST} items")
    seen: set[str] = set()
    for index, entry in enumerate(requests):
        ident = entry.get("custom_id") if isinstance(entry, dict) else None
        if not isinstance(ident, str) or not isinstance(entry.get("params"), dict):
            raise _anthropic.invalid(
                f"requests.{index}.{'params' if isinstance(ident, str) else 'custom_id'}: Field required"
            )
        if ident in seen:
            raise _anthropic.invalid(f"requests.{index}.custom_id: `custom_id` must be unique within the batch")
        seen.add(ident)
    results = [{"custom_id": entry["custom_id"], "result": _result(entry, call)} for entry in requests]
    batch = _batch(call.id(_PREFIX + "01", length=22), call, results)
    call.store.put(KIND, batch["id"], {"body": batch, "results": results})
    # As the API does: what is made is in progress; whoever asks again finds it ended.
    waiting = {**batch["request_counts"], "processing": len(results), "succeeded": 0, "errored": 0}
    begun = {"processing_status": "in_progress", "ended_at": None, "results_url": None, "request_counts": waiting}
    return _reply(call, {**batch, **begun})


def retrieve(call: Call) -> Reply:
    """GET /v1/messages/batches/{id}"""
    return _reply(call, _found(call)["body"])


def list_all(call: Call) -> Reply:
    """GET /v1/messages/batches, newest first, in pages."""
    rows = [kept["body"] for _, kept in reversed(call.store.items(KIND))]
    asked = {key: values[0] for key, values in call.query.items()}
    ids = [row["id"] for row in rows]
    if asked.get("after_id") in ids:
        rows = rows[ids.index(asked["after_id"]) + 1 :]
    elif asked.get("before_id") in ids:
        rows = rows[: ids.index(asked["before_id"])]
    limit = int(asked["limit"]) if asked.get("limit", "").isdigit() else 20
    page = rows[:limit]
    ends = {"first_id": page[0]["id"] if page else None, "last_id": page[-1]["id"] if page else None}
    return _reply(call, {"data": page, "has_more": len(rows) > limit, **ends})


def cancel(call: Call) -> Reply:
    """POST /v1/messages/batches/{id}/cancel"""
    kept = _found(call)
    changed = {**kept["body"], "cancel_initiated_at": _anthropic.moment(call.created)}
    call.store.put(KIND, changed["id"], {**kept, "body": changed})
    return _reply(call, {**changed, "processing_status": "canceling"})


def delete(call: Call) -> Reply:
    """DELETE /v1/messages/batches/{id}"""
    ident = _found(call)["body"]["id"]
    call.store.delete(KIND, ident)
    return _reply(call, {"id": ident, "type": "message_batch_deleted"})


def results(call: Call) -> Reply:
    """GET /v1/messages/batches/{id}/results: a line of JSON for each request."""
    lines = b"".join(orjson.dumps(row) + b"\n" for row in _found(call)["results"])
    headers = ((b"content-type", b"application/x-jsonl"), *_anthropic.headers(call)[1:])
    return Reply(200, lines, headers)


def _result(entry: dict[str, Any], call: Call) -> dict[str, Any]:
    try:
        request = read({**entry["params"], "stream": False}, call)
    except ApiError as error:
        return {"type": "errored", "error": _anthropic.error_body(error, call)}
    seed = call.seed.derive(entry["custom_id"])
    one = Call(
        method=call.method, path=call.path, headers=call.headers, session=call.session, ordinal=call.ordinal,
        seed=seed, now=call.now, store=call.store, settings=call.settings,
    )  # fmt: skip
    completion = finish(auto_answer(request, seed), request, one, anthropic_messages.CODEC)
    return {"type": "succeeded", "message": body(completion, one)}


def _batch(ident: str, call: Call, rows: list[dict[str, Any]]) -> dict[str, Any]:
    kinds = [row["result"]["type"] for row in rows]
    now = _anthropic.moment(call.created)
    counts = {"processing": 0, "succeeded": kinds.count("succeeded"), "errored": kinds.count("errored"),
              "canceled": 0, "expired": 0}  # fmt: skip
    return {
        "id": ident,
        "type": "message_batch",
        "processing_status": "ended",
        "request_counts": counts,
        "created_at": now,
        "ended_at": now,
        "expires_at": _anthropic.moment(call.created + 86_400),
        "archived_at": None,
        "cancel_initiated_at": None,
        "results_url": f"{_root(call)}/v1/messages/batches/{ident}/results",
    }


def _root(call: Call) -> str:
    """Where the client found this server: the results lie behind an absolute URL."""
    host = call.header("host") or "localhost"
    return f"{call.header('x-forwarded-proto') or 'http'}://{host}" + (
        f"/s/{call.session}" if call.session != "default" else ""
    )


def _found(call: Call) -> dict[str, Any]:
    """The batch of the path. An id that no provider gives out gets an example in auto mode, as a spec server does."""
    ident = call.params["id"]
    kept: dict[str, Any] | None = call.store.get(KIND, ident)
    if kept is not None:
        return kept
    if ident.startswith(_PREFIX) or call.settings.mode == "strict":
        raise ApiError(404, f"Message batch {ident} not found.")
    return {"body": _batch(ident, call, []), "results": []}


def _reply(call: Call, data: dict[str, Any]) -> Reply:
    return Reply(200, orjson.dumps(data), _anthropic.headers(call))


_PATH = "/v1/messages/batches"
CODEC = PlainAnthropic(
    "anthropic-batches",
    (
        Route("POST", _PATH, create),
        Route("GET", _PATH, list_all),
        Route("GET", _PATH + "/{id}", retrieve),
        Route("DELETE", _PATH + "/{id}", delete),
        Route("POST", _PATH + "/{id}/cancel", cancel),
        Route("GET", _PATH + "/{id}/results", results),
    ),
)
