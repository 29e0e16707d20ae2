"""LangChain's own tests of chat models, over ChatOllama."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_ollama import ChatOllama
from langchain_tests.integration_tests import ChatModelIntegrationTests

from mock_llm import MockLLM


@pytest.fixture(autouse=True, scope="module")
def server(said: Callable[[MockLLM], MockLLM]) -> Iterator[MockLLM]:
    with MockLLM(seed=5) as mock, pytest.MonkeyPatch.context() as patch:
        patch.setenv("OLLAMA_HOST", mock.base_url)
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
        return {"model": "llama3.2"}

    @property
    def supports_json_mode(self) -> bool:
        return True

    @property
    def has_tool_choice(self) -> bool:
        return False  # Ollama has none
