"""OpenAI's embeddings: of texts and of token arrays, as floats or base64."""

from __future__ import annotations

import base64
from array import array
from functools import lru_cache
from typing import Any

import orjson

from mock_llm.codecs import _openai
from mock_llm.codecs._openai import invalid
from mock_llm.codecs._openai_plain import PlainOpenAI
from mock_llm.codecs.protocol import ApiError, Call, Reply, Route
from mock_llm.completion import Usage
from mock_llm.embedding import embed, embed_tokens
from mock_llm.models import exists, window
from mock_llm.tokens import count

_LARGEST = {"text-embedding-3-large": 3072}
_USUAL = 1536
_MOST_INPUTS = 2048
_PARAMETERS = frozenset(("input", "model", "dimensions", "encoding_format", "user"))

Input = str | tuple[int, ...]


def create(call: Call) -> Reply:
    """POST /embeddings: one vector of unit length for each input, in order."""
    raw = call.json
    if not isinstance(raw, dict):
        raise invalid("Invalid type for request body: expected an object.")
    for name in raw:
        if name not in _PARAMETERS:
            raise invalid(f"Unrecognized request argument supplied: {name}", name, "unknown_parameter")
    model = raw.get("model") or call.params.get("deployment")
    if not isinstance(model, str):
        raise invalid("you must provide a model parameter")
    if not exists(model, call.settings):
        raise ApiError(
            404, f"The model `{model}` does not exist or you do not have access to it.", code="model_not_found"
        )
    inputs = _inputs(raw.get("input"))
    size = _dimensions(raw.get("dimensions"), model)
    form = raw.get("encoding_format") or "float"
    if form not in ("float", "base64"):
        raise invalid(
            f"Invalid value: '{form}'. Supported values are: 'float' and 'base64'.", "encoding_format", "invalid_value"
        )
    used = 0
    for item in inputs:
        tokens = count(item) if isinstance(item, str) else len(item)
        most = window(model, call.settings) or 8191
        if tokens > most:
            raise invalid(
                f"This model's maximum context length is {most} tokens, however you requested {tokens} tokens "
                f"({tokens} in your prompt; 0 for the completion). Please reduce your prompt; or completion length."
            )
        used += tokens
    data = [
        {"object": "embedding", "index": index, "embedding": _encoded(_packed(item, size, model), form)}
        for index, item in enumerate(inputs)
    ]
    body = {
        "object": "list",
        "data": data,
        "model": model,
        "usage": {"prompt_tokens": used, "total_tokens": used},
    }
    return Reply(200, orjson.dumps(body), _openai.headers(call, used), model, Usage(used))


def _inputs(given: Any) -> list[Input]:
    if given is None:
        raise invalid("Missing required parameter: 'input'.", "input", "missing_required_parameter")
    items: list[Any]
    if isinstance(given, str):
        items = [given]
    elif isinstance(given, list):
        items = [given] if given and isinstance(given[0], int) else given
    else:
        raise invalid("'$.input' is invalid. Please check the API reference: embeddings.", "input")
    if not items or len(items) > _MOST_INPUTS:
        raise invalid(f"'$.input' is invalid: an array of 1 to {_MOST_INPUTS} inputs is expected.", "input")
    found: list[Input] = []
    for item in items:
        if isinstance(item, str) and item:
            found.append(item)
        elif isinstance(item, list) and item and all(type(token) is int and token >= 0 for token in item):
            found.append(tuple(item))
        elif item in ("", []):
            raise invalid("'$.input' is invalid: input cannot be an empty string or array.", "input")
        else:
            raise invalid("'$.input' is invalid. Please check the API reference: embeddings.", "input")
    return found


def _dimensions(wanted: Any, model: str) -> int:
    largest = _LARGEST.get(model, _USUAL)
    if wanted is None:
        return largest
    if model == "text-embedding-ada-002":
        raise invalid("This model does not support specifying dimensions.", "dimensions")
    if type(wanted) is not int:
        raise invalid("Invalid type for 'dimensions': expected an integer.", "dimensions", "invalid_type")
    if not 1 <= wanted <= largest:
        raise invalid(f"Invalid value for 'dimensions' = {wanted}. Must be between 1 and {largest}.", "dimensions")
    return wanted


@lru_cache(maxsize=512)
def _packed(item: Input, size: int, model: str) -> bytes:
    """The vector as 32-bit floats: what base64 carries, and to what precision floats are given."""
    vector = embed(item, size, model) if isinstance(item, str) else embed_tokens(item, size, model)
    return array("f", vector).tobytes()


def _encoded(packed: bytes, form: str) -> str | list[float]:
    return base64.b64encode(packed).decode() if form == "base64" else array("f", packed).tolist()


CODEC = PlainOpenAI("openai-embeddings", _openai.routes(Route("POST", "/v1/embeddings", create)))
