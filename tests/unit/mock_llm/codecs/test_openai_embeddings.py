"""Embeddings: near for near texts, nested in their dimensions, refused in OpenAI's words."""

from __future__ import annotations

import base64
import math
from array import array
from typing import Any

import orjson
import pytest

from mock_llm.codecs.openai_embeddings import create
from mock_llm.codecs.protocol import ApiError, Call
from mock_llm.embedding import embed


def ask(**body: Any) -> dict[str, Any]:
    made: dict[str, Any] = orjson.loads(
        create(
            Call(method="POST", path="/v1/embeddings", headers={}, json={"model": "text-embedding-3-small", **body})
        ).body
    )
    return made


def cosine(a: str, b: str) -> float:
    return sum(x * y for x, y in zip(embed(a, 1536), embed(b, 1536), strict=True))


@pytest.mark.parametrize(
    ("text", "near", "far"),
    [
        ("How do I reset my password?", "I forgot my password and need to reset it", "Best pasta recipes of Sicily"),
        ("The invoice was paid twice", "duplicate payment of an invoice", "A walk along the coast in spring"),
        ("Kubernetes pod restarts", "restarting pods in kubernetes", "The history of the violin"),
    ],
)
def test_similar_texts_lie_nearer_than_others(text: str, near: str, far: str) -> None:
    assert cosine(text, near) > 0.3 > abs(cosine(text, far))
    assert cosine(text, near) > 3 * abs(cosine(text, far))


@pytest.mark.parametrize("size", [1, 7, 256, 1536])
def test_vectors_have_unit_length_and_fewer_dimensions_are_a_prefix(size: int) -> None:
    full = ask(input="water bears in space")["data"][0]["embedding"]
    short = ask(input="water bears in space", dimensions=size)["data"][0]["embedding"]
    assert len(short) == size
    assert math.isclose(math.fsum(x * x for x in short), 1, abs_tol=1e-5)
    norm = math.sqrt(math.fsum(x * x for x in full[:size]))
    if norm:
        assert all(math.isclose(x / norm, y, abs_tol=1e-5) for x, y in zip(full[:size], short, strict=True))


def test_base64_carries_the_same_numbers() -> None:
    floats = ask(input=["a b", "c d"])
    packed = ask(input=["a b", "c d"], encoding_format="base64")
    for one, other in zip(floats["data"], packed["data"], strict=True):
        assert array("f", base64.b64decode(other["embedding"])).tolist() == one["embedding"]
    assert floats["usage"] == packed["usage"] == {"prompt_tokens": 4, "total_tokens": 4}


def test_token_arrays_are_inputs_of_their_own() -> None:
    answer = ask(input=[[10, 20, 30, 40], [10, 20, 30, 41], [7, 8, 9]])
    a, b, c = (item["embedding"] for item in answer["data"])
    assert sum(x * y for x, y in zip(a, b, strict=True)) > 0.5 > sum(x * y for x, y in zip(a, c, strict=True))
    assert answer["usage"]["prompt_tokens"] == 11
    assert len(ask(input=[10, 20, 30])["data"]) == 1


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"input": ""}, "input"),
        ({"input": []}, "input"),
        ({"input": ["a", 5]}, "input"),
        ({"input": {"text": "a"}}, "input"),
        ({"input": ["a"] * 2049}, "input"),
        ({}, "input"),
        ({"input": "a", "dimensions": 0}, "dimensions"),
        ({"input": "a", "dimensions": 1537}, "dimensions"),
        ({"input": "a", "model": "text-embedding-ada-002", "dimensions": 8}, "dimensions"),
        ({"input": "a", "encoding_format": "hex"}, "encoding_format"),
        ({"input": "a", "colour": "red"}, "colour"),
        ({"input": "word " * 9000}, None),
    ],
)
def test_what_is_refused(body: dict[str, Any], param: str | None) -> None:
    with pytest.raises(ApiError) as refused:
        ask(**body)
    assert (refused.value.status, refused.value.param) == (400, param)
