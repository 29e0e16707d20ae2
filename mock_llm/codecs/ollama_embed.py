"""Ollama's embeddings: /api/embed, and /api/embeddings, which takes one text."""

from __future__ import annotations

from typing import Any

import orjson

from mock_llm.codecs import _ollama
from mock_llm.codecs._ollama import body_of, durations, invalid, model_of, served, typed
from mock_llm.codecs._ollama_memory import lifetime, use
from mock_llm.codecs._ollama_plain import PlainOllama
from mock_llm.codecs.protocol import ApiError, Call, Reply, Route
from mock_llm.completion import Usage
from mock_llm.embedding import embed
from mock_llm.tokens import count, pieces

_SIZE = 768
_CONTEXT = 2048  # tokens; what is longer is cut, or refused with `truncate` false


def create(call: Call) -> Reply:
    """POST /api/embed: one vector of unit length for each text."""
    raw = body_of(call, "EmbedRequest")
    asked = typed(raw, "dimensions", int, "EmbedRequest", "int") or 0
    size = asked if 0 < asked < _SIZE else _SIZE
    seconds = lifetime(raw)
    given = raw.get("input")
    if isinstance(given, str | None):
        given = [given] if given else []
    if not isinstance(given, list) or any(not isinstance(text, str) for text in given):
        raise invalid("invalid input type")
    model = model_of(raw, call, "EmbedRequest", required=False)
    use(call, model, seconds)
    whole = [_fitting(text, truncate=raw.get("truncate") is not False) for text in given]
    used = sum(map(count, whole))
    spent = durations(used)
    del spent["prompt_eval_duration"]
    body = {"model": model, "embeddings": [_vector(text, size, model) for text in whole], **spent}
    return Reply(200, orjson.dumps(body), _ollama.JSON, model, Usage(used))


def one(call: Call) -> Reply:
    """POST /api/embeddings: the vector of one prompt."""
    raw = body_of(call, "EmbeddingRequest")
    prompt = typed(raw, "prompt", str, "EmbeddingRequest", "string") or ""
    seconds = lifetime(raw)
    model = typed(raw, "model", str, "EmbeddingRequest", "string")
    if model and not served(model, call):
        raise ApiError(404, f'model "{model}" not found, try pulling it first')
    model = model_of(raw, call, "EmbeddingRequest")
    use(call, model, seconds)
    found: list[Any] = _vector(prompt, _SIZE, model) if prompt else []
    return Reply(200, orjson.dumps({"embedding": found}), _ollama.JSON, model, Usage(count(prompt)))


def _vector(text: str, size: int, model: str) -> list[float]:
    return [round(number, 9) for number in embed(text, size, model)]


def _fitting(text: str, *, truncate: bool) -> str:
    parts = pieces(text)
    if len(parts) <= _CONTEXT:
        return text
    if not truncate:
        raise invalid("the input length exceeds the context length")
    return "".join(parts[:_CONTEXT])


CODEC = PlainOllama("ollama-embed", (Route("POST", "/api/embed", create), Route("POST", "/api/embeddings", one)))
