"""LangChain's own tests of chat models and of embeddings, over ChatOllama and OllamaEmbeddings; what else it has."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_ollama import ChatOllama, OllamaEmbeddings, OllamaLLM
from langchain_tests.integration_tests import ChatModelIntegrationTests, EmbeddingsIntegrationTests

from mock_llm import MockLLM

# LangChain closes no client that it made: so no connection may outlive its answer.
ALONE = {"async_client_kwargs": {"headers": {"connection": "close"}}}


@pytest.fixture(autouse=True, scope="module")
def server(said: Callable[[MockLLM], MockLLM]) -> Iterator[MockLLM]:
    with MockLLM(seed=5) as mock, pytest.MonkeyPatch.context() as patch:
        patch.setenv("OLLAMA_HOST", mock.base_url)
        mock.rule(
            text="How far is the moon?", answer={"blocks": [{"thinking": "Light takes a second."}, {"text": "Far."}]}
        )
        yield said(mock)


class TestOllama(ChatModelIntegrationTests):
    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ChatOllama

    @property
    def model_override_value(self) -> str:
        return "qwen3"

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": "llama3.2", **ALONE}

    @property
    def supports_json_mode(self) -> bool:
        return True

    @property
    def has_tool_choice(self) -> bool:
        return False  # Ollama has none


class TestOllamaEmbeddings(EmbeddingsIntegrationTests):
    @property
    def embeddings_class(self) -> type[OllamaEmbeddings]:
        return OllamaEmbeddings

    @property
    def embedding_model_params(self) -> dict[str, Any]:
        return {"model": "nomic-embed-text", **ALONE}


@pytest.mark.parametrize("stream", [False, True])
def test_reasoning_comes_apart(*, stream: bool) -> None:
    model = ChatOllama(model="qwen3", reasoning=True)
    ask = "How far is the moon?"
    parts = list(model.stream(ask)) if stream else [model.invoke(ask)]
    assert "".join(str(part.content) for part in parts) == "Far."
    thought = "".join(part.additional_kwargs.get("reasoning_content", "") for part in parts)
    assert thought == "Light takes a second."


def test_a_model_is_looked_for_when_it_is_made() -> None:
    assert ChatOllama(model="qwen3", validate_model_on_init=True).model == "qwen3"
    with pytest.raises(ValueError, match="not found in Ollama"):
        ChatOllama(model="nothing", validate_model_on_init=True)


def test_a_model_of_prompts() -> None:
    model = OllamaLLM(model="llama3.2")
    ask = "How far is the moon?"
    assert model.invoke(ask) == "".join(model.stream(ask)) == "Far."
