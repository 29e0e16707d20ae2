"""Gemini's models: the list of them, and each; on Vertex AI's paths in Vertex AI's form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mock_llm.codecs._gemini import KNOWN, VERTEX, invalid, model_of, reply, snake
from mock_llm.codecs._gemini_plain import PlainGemini
from mock_llm.codecs.protocol import Call, Reply, Route

_MOST = 1000
_PAGE = 50


def models(call: Call) -> Reply:
    """GET models, in pages."""
    names = call.settings.models or tuple(KNOWN)
    vertex = "publisher" in call.params
    query = call.query
    try:
        size = min(int(_last(query, "pageSize") or _PAGE), _MOST)
        start = int(_last(query, "pageToken") or 0)
        if size < 1 or start < 0:
            raise ValueError
    except ValueError:
        raise invalid("Invalid page token or size.", "page_token") from None
    body: dict[str, Any] = {
        "publisherModels" if vertex else "models": [_shown(call, name) for name in names[start : start + size]]
    }
    if start + size < len(names):
        body["nextPageToken"] = str(start + size)
    return reply(body)


def _last(query: Mapping[str, list[str]], name: str) -> str:
    return (query.get(name) or query.get(snake(name)) or [""])[-1]


def one(call: Call) -> Reply:
    """GET models/{model}."""
    return reply(_shown(call, model_of(call, "getModel")))


def _shown(call: Call, name: str) -> dict[str, Any]:
    if "publisher" not in call.params:
        return _model(name)
    return {
        "name": f"publishers/{call.params['publisher']}/models/{name}",
        "versionId": "default",
        "openSourceCategory": "PROPRIETARY",
        "launchStage": "GA",
    }


def _model(name: str) -> dict[str, Any]:
    embeds = "embedding" in name
    more = {} if embeds else {"temperature": 1, "topP": 0.95, "topK": 64, "maxTemperature": 2, "thinking": True}
    return {
        "name": f"models/{name}",
        "version": "001",
        "displayName": name.replace("-", " ").title(),
        "description": "A mock.",
        "inputTokenLimit": KNOWN.get(name, 1_048_576),
        "outputTokenLimit": 1 if embeds else 65_536,
        "supportedGenerationMethods": ["embedContent", "countTokens"] if embeds else ["generateContent", "countTokens"],
        **more,
    }


def _routes(place: str, header: bytes | None = None) -> tuple[Route, ...]:
    return (
        Route("GET", place, models, header),
        Route("GET", f"{place}/{{model}}", one, header),
    )


# GET /v1/models is OpenAI's, too: there Google's clients are known by their headers.
CODEC = PlainGemini(
    "gemini-models",
    (
        *_routes("/v1beta/models"),
        *_routes("/v1alpha/models"),
        *_routes("/v1/models", b"x-goog-api-client"),
        *_routes("/v1/models", b"x-goog-api-key"),
        *(route for place in VERTEX for route in _routes(place)),
    ),
)
