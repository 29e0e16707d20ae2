"""Ollama's embeddings, and what its models are called, can do, and how long they stay."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from mock_llm.codecs._ollama_library import able, family, full, tagged
from mock_llm.codecs._ollama_memory import lifetime
from mock_llm.codecs.ollama_embed import create
from mock_llm.codecs.protocol import ApiError, Call


def ask(**body: Any) -> dict[str, Any]:
    made = Call(method="POST", path="/api/embed", headers={}, json={"model": "m", **body})
    found: dict[str, Any] = orjson.loads(create(made).body)
    return found


@pytest.mark.parametrize(("given", "count"), [("a b", 1), (["a", "b", ""], 3), ("", 0), ([], 0), (None, 0)])
def test_one_vector_a_text(given: Any, count: int) -> None:
    found = ask(input=given)
    assert [len(vector) for vector in found["embeddings"]] == [768] * count
    assert found["total_duration"] > found["load_duration"] or not count


@pytest.mark.parametrize(("asked", "size"), [(None, 768), (0, 768), (64, 64), (5000, 768)])
def test_dimensions_are_fewer_or_all(asked: int | None, size: int) -> None:
    assert len(ask(input="a", dimensions=asked)["embeddings"][0]) == size


@pytest.mark.parametrize("given", [7, [1], {"a": 1}])
def test_only_texts(given: Any) -> None:
    with pytest.raises(ApiError, match="invalid input type"):
        ask(input=given)


def test_what_is_too_long_is_cut_or_refused() -> None:
    assert ask(input="word " * 5000)["prompt_eval_count"] <= 2048
    with pytest.raises(ApiError, match="the input length exceeds the context length"):
        ask(input="word " * 5000, truncate=False)


@pytest.mark.parametrize(
    ("name", "tag", "whole_name"),
    [
        ("qwen3", "qwen3:latest", "registry.ollama.ai/library/qwen3:latest"),
        ("gpt-oss:20b", "gpt-oss:20b", "registry.ollama.ai/library/gpt-oss:20b"),
        ("me/mine", "me/mine:latest", "registry.ollama.ai/me/mine:latest"),
        ("host:80/me/mine:1", "host:80/me/mine:1", "host:80/me/mine:1"),
    ],
)
def test_names(name: str, tag: str, whole_name: str) -> None:
    assert (tagged(name), full(name)) == (tag, whole_name)


def test_a_model_that_nobody_knows_can_do_everything_unless_it_only_embeds() -> None:
    assert {"tools", "thinking", "insert"} <= set(able("mine"))
    assert able("my-embedder") == ("embedding",)
    assert (family("mistral-7b"), family("gpt-oss:20b"), family("42")) == ("mistral-7b", "gptoss", "llama")


@pytest.mark.parametrize(
    ("given", "seconds"),
    [(None, 300), (0, 0), ("0", 0), ("0s", 0), (90, 90), ("1m30s", 90), ("1.5h", 5400), ("250ms", 0.25)],
)
def test_how_long_a_model_stays(given: Any, seconds: float) -> None:
    assert lifetime({"keep_alive": given}) == seconds


@pytest.mark.parametrize("given", [-1, "-1m"])
def test_less_than_no_time_is_for_ever(given: Any) -> None:
    assert lifetime({"keep_alive": given}) > 1e9
