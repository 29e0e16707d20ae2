"""LangChain's own tests of chat models, over ChatOpenAI in both of its protocols."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_openai import ChatOpenAI
from langchain_tests.integration_tests import ChatModelIntegrationTests

from mock_llm import MockLLM


@pytest.fixture(autouse=True, scope="module")
def server(said: Callable[[MockLLM], MockLLM]) -> Iterator[MockLLM]:
    with MockLLM(seed=5) as mock, pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_API_KEY", "k")
        patch.setenv("OPENAI_BASE_URL", mock.openai_base_url)
        yield said(mock)


class TestChatCompletions(ChatModelIntegrationTests):
    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ChatOpenAI

    @property
    def model_override_value(self) -> str:
        return "gpt-4o-mini"

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": "gpt-4o", "stream_usage": True, "max_retries": 0}

    @property
    def supports_json_mode(self) -> bool:
        return True


class TestResponses(TestChatCompletions):
    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": "gpt-4o", "use_responses_api": True, "max_retries": 0}
