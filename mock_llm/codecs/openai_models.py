"""OpenAI's list of models."""

from __future__ import annotations

from typing import Any

import orjson

from mock_llm.clock import EPOCH
from mock_llm.codecs import _openai
from mock_llm.codecs._openai_plain import PlainOpenAI
from mock_llm.codecs.protocol import ApiError, Call, Reply, Route
from mock_llm.models import OPENAI, exists, listed


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": int(EPOCH), "owned_by": "system"}


def list_all(call: Call) -> Reply:
    """GET /models"""
    data = [_model(name) for name in listed(call.settings)]
    return Reply(200, orjson.dumps({"object": "list", "data": data}), _openai.headers(call))


def retrieve(call: Call) -> Reply:
    """GET /models/{model}"""
    return Reply(200, orjson.dumps(_model(_known(call))), _openai.headers(call))


def delete(call: Call) -> Reply:
    """DELETE /models/{model}: only fine-tuned models can go; here it is always allowed, and nothing goes."""
    name = _known(call)
    body = {"id": name, "object": "model", "deleted": True}
    return Reply(200, orjson.dumps(body), _openai.headers(call))


def _known(call: Call) -> str:
    name = call.params["model"]
    if not exists(name, call.settings) or (not call.settings.models and not _plausible(name)):
        raise ApiError(404, f"The model '{name}' does not exist", param="model", code="model_not_found")
    return name


def _plausible(name: str) -> bool:
    return name in OPENAI or name.startswith(("gpt-", "o1", "o3", "o4", "ft:", "text-embedding"))


CODEC = PlainOpenAI(
    "openai-models",
    _openai.routes(
        Route("GET", "/v1/models", list_all),
        Route("GET", "/v1/models/{model:path}", retrieve),
        Route("DELETE", "/v1/models/{model:path}", delete),
    ),
)
