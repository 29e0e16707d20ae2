"""Gemini's embeddings: one content, several, and Vertex AI's `predict`."""

from __future__ import annotations

from typing import Any

import orjson

from mock_llm.codecs import _gemini
from mock_llm.codecs._gemini import invalid, model_of
from mock_llm.codecs._gemini_messages import message
from mock_llm.codecs._gemini_plain import PlainGemini
from mock_llm.codecs.gemini.conversation import read_parts
from mock_llm.codecs.protocol import Call, Reply
from mock_llm.completion import Text, Usage
from mock_llm.embedding import embed
from mock_llm.tokens import count

_LARGEST = {"text-embedding-004": 768, "embedding-001": 768}
_USUAL = 3072
_MOST_REQUESTS = 100


def one(call: Call) -> Reply:
    """POST embedContent."""
    model = model_of(call, "embedContent")
    text, size = _asked(message(call.json, "EmbedContentRequest"), model)
    body = {"embedding": {"values": _vector(text, size, model)}}
    return Reply(200, orjson.dumps(body), _gemini.headers(), model, Usage(count(text)))


def several(call: Call) -> Reply:
    """POST batchEmbedContents."""
    model = model_of(call, "batchEmbedContents")
    requests = message(call.json, "BatchEmbedContentsRequest").get("requests") or []
    if not 1 <= len(requests) <= _MOST_REQUESTS:
        raise invalid(f"* BatchEmbedContentsRequest.requests: must have 1 to {_MOST_REQUESTS} elements\n", "requests")
    asked = [_asked(request, model) for request in requests]
    body = {"embeddings": [{"values": _vector(text, size, model)} for text, size in asked]}
    return Reply(200, orjson.dumps(body), _gemini.headers(), model, Usage(sum(count(text) for text, _ in asked)))


def predict(call: Call) -> Reply:
    """POST predict: texts as instances, vectors as predictions."""
    model = model_of(call, "predict")
    raw = message(call.json, "PredictRequest")
    size = _size((raw.get("parameters") or {}).get("outputDimensionality"), model)
    made: list[dict[str, Any]] = []
    used = 0
    for index, item in enumerate(raw.get("instances") or ()):
        text = item.get("content")
        if not isinstance(text, str):
            raise invalid(f"instances[{index}].content: a text is expected.", f"instances[{index}].content")
        used += count(text)
        statistics = {"truncated": False, "token_count": count(text)}
        made.append({"embeddings": {"values": _vector(text, size, model), "statistics": statistics}})
    body = {"predictions": made, "metadata": {"billableCharacterCount": used * 4}}
    return Reply(200, orjson.dumps(body), _gemini.headers(), model, Usage(used))


def _asked(spec: dict[str, Any], model: str) -> tuple[str, int]:
    """The text, and how many numbers its vector is to have. Raises ApiError (400)."""
    blocks = read_parts(spec.get("content", {}).get("parts"), "content", "e")
    text = "\n".join(block.text for block in blocks if isinstance(block, Text))
    inner = spec.get("embedContentConfig", {})
    return text, _size(spec.get("outputDimensionality") or inner.get("outputDimensionality"), model)


def _size(wanted: int | None, model: str) -> int:
    largest = _LARGEST.get(model, _USUAL)
    size = largest if wanted is None else wanted
    if not 1 <= size <= largest:
        raise invalid(
            f"* EmbedContentRequest.output_dimensionality: must be in the range [1, {largest}].\n",
            "output_dimensionality",
        )
    return size


def _vector(text: str, size: int, model: str) -> list[float]:
    return [round(number, 9) for number in embed(text, size, model)]


CODEC = PlainGemini(
    "gemini-embeddings",
    (
        *_gemini.routes("embedContent", one),
        *_gemini.routes("batchEmbedContents", several),
        *_gemini.routes("predict", predict),
    ),
)
