"""Anthropic's list of models: on the paths of OpenAI's, told apart by the header that Anthropic's clients send."""

from __future__ import annotations

from typing import Any

import orjson

from mock_llm.clock import EPOCH
from mock_llm.codecs import _anthropic
from mock_llm.codecs._anthropic_plain import PlainAnthropic
from mock_llm.codecs.protocol import ApiError, Call, Reply, Route
from mock_llm.models import ANTHROPIC, exists, listed, window

_VERSION = b"anthropic-version"


def _model(name: str, call: Call) -> dict[str, Any]:
    return {
        "type": "model",
        "id": name,
        "display_name": name.replace("-", " ").title(),
        "created_at": _anthropic.moment(EPOCH),
        "max_input_tokens": window(name, call.settings) or 200_000,
        "max_tokens": 64_000,
        "capabilities": None,
        "lifecycle": "active",
        "line": next((line for line in ("opus", "sonnet", "haiku") if line in name), None),
        "deprecated_at": None,
        "retires_at": None,
        "allowed_fallback_models": None,
    }


def list_all(call: Call) -> Reply:
    """GET /v1/models, in pages by `limit`, `after_id`, `before_id`."""
    names = list(listed(call.settings, ANTHROPIC))
    asked = {key: values[0] for key, values in call.query.items()}
    if asked.get("after_id") in names:
        names = names[names.index(asked["after_id"]) + 1 :]
    if asked.get("before_id") in names:
        names = names[: names.index(asked["before_id"])]
    try:
        limit = int(asked.get("limit", 20))
    except ValueError:
        raise _anthropic.invalid("limit: Input should be a valid integer") from None
    if not 1 <= limit <= 1000:
        raise _anthropic.invalid("limit: Input should be between 1 and 1000")
    page = names[:limit]
    body = {
        "data": [_model(name, call) for name in page],
        "has_more": len(names) > limit,
        "first_id": page[0] if page else None,
        "last_id": page[-1] if page else None,
    }
    return Reply(200, orjson.dumps(body), _anthropic.headers(call))


def retrieve(call: Call) -> Reply:
    """GET /v1/models/{model}"""
    name = call.params["model"]
    if not exists(name, call.settings):
        raise ApiError(404, f"model: {name}")
    return Reply(200, orjson.dumps(_model(name, call)), _anthropic.headers(call))


CODEC = PlainAnthropic(
    "anthropic-models",
    (
        Route("GET", "/v1/models", list_all, header=_VERSION),
        Route("GET", "/v1/models/{model:path}", retrieve, header=_VERSION),
    ),
)
