"""The official client: what models there are, in memory and in the library, and how requests are refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import ollama
import pytest

from mock_llm import MockLLM

ASKED = [{"role": "user", "content": "When is the tide?"}]
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}


@pytest.fixture
def only() -> Iterator[MockLLM]:
    """A server with one model."""
    with MockLLM(models=("llama3.2",)) as made:
        yield made


def test_the_library(client: ollama.Client) -> None:
    names = [model.model for model in client.list().models]
    assert {"llama3.2:latest", "nomic-embed-text:latest"} <= set(names)
    shown = client.show("qwen3")
    assert shown.capabilities == ["completion", "tools", "thinking"]
    assert shown.details and shown.details.family == "qwen3"
    assert shown.modelinfo and shown.modelinfo["qwen3.context_length"] == 40_960
    assert client.show("nomic-embed-text").capabilities == ["embedding"]


def test_a_model_is_in_memory_from_its_first_use_until_it_is_put_out(llm: MockLLM, client: ollama.Client) -> None:
    assert not client.ps().models
    client.chat("qwen3", ASKED, keep_alive="1h")
    client.embed("nomic-embed-text", "tide")
    client.generate("gemma3", "Why?", keep_alive=0)
    held = client.ps().models
    assert [model.model for model in held] == ["qwen3:latest", "nomic-embed-text:latest"]
    assert held[0].expires_at and held[1].expires_at and held[0].expires_at > held[1].expires_at
    assert held[0].context_length == 40_960
    assert client.generate("qwen3", keep_alive=0).done_reason == "unload"
    assert [model.model for model in client.ps().models] == ["nomic-embed-text:latest"]
    with ollama.Client(host=llm.base_url + "/s/other") as other:
        assert not other.ps().models


def test_a_pull_finds_what_there_is(only: MockLLM) -> None:
    with ollama.Client(host=only.base_url) as client:
        assert client.pull("llama3.2").status == "success"
        assert [step.status for step in client.pull("llama3.2", stream=True)][-1] == "success"
        with pytest.raises(ollama.ResponseError, match="pull model manifest: file does not exist"):
            client.pull("nothing")
        with pytest.raises(ollama.ResponseError, match="pull model manifest: file does not exist"):
            list(client.pull("nothing", stream=True))


def test_it_says_that_it_is_running(llm: MockLLM) -> None:
    assert httpx.get(llm.base_url).text == "Ollama is running"
    assert httpx.head(llm.base_url).status_code == 200
    assert httpx.get(f"{llm.base_url}/api/version").json()["version"]


def test_a_model_that_is_not_there(only: MockLLM) -> None:
    with ollama.Client(host=only.base_url) as client:
        assert client.chat("llama3.2:latest", ASKED).done
        asks: list[Any] = [
            lambda: client.chat("nothing", ASKED),
            lambda: list(client.chat("nothing", ASKED, stream=True)),
            lambda: client.generate("nothing", "Why?"),
            lambda: client.embed("nothing", "tide"),
            lambda: client.show("nothing"),
        ]
        for ask in asks:
            with pytest.raises(ollama.ResponseError, match="model 'nothing' not found") as refused:
                ask()
            assert refused.value.status_code == 404
        with pytest.raises(ollama.ResponseError, match='model "nothing" not found, try pulling it first') as older:
            client.embeddings("nothing", "tide")
        assert older.value.status_code == 404


@pytest.mark.parametrize(
    ("model", "more", "says"),
    [
        ("nomic-embed-text", {}, '"nomic-embed-text" does not support chat'),
        ("llama3.2", {"think": True}, '"llama3.2" does not support thinking'),
        ("gemma3", {"tools": [TOOL]}, "registry.ollama.ai/library/gemma3:latest does not support tools"),
    ],
)
def test_a_model_that_cannot_do_what_is_asked(
    client: ollama.Client, model: str, more: dict[str, Any], says: str
) -> None:
    with pytest.raises(ollama.ResponseError) as refused:
        client.chat(model, ASKED, **more)
    assert (refused.value.error, refused.value.status_code) == (says, 400)


def test_an_option_of_a_wrong_type_fails_in_the_runner(client: ollama.Client) -> None:
    with pytest.raises(ollama.ResponseError, match='option "temperature" must be of type float32') as refused:
        client.chat("m", ASKED, options={"temperature": "hot"})
    assert refused.value.status_code == 500


def test_a_server_that_is_gone_is_a_connection_error() -> None:
    with MockLLM() as llm:
        url = llm.base_url
    with ollama.Client(host=url) as client, pytest.raises(ConnectionError):
        client.chat("m", ASKED)
