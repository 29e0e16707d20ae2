"""LangChain's own tests of chat models, over ChatGoogleGenerativeAI."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_google_genai import ChatGoogleGenerativeAI
from langchain_tests.integration_tests import ChatModelIntegrationTests

from mock_llm import MockLLM

URL: list[str] = []


@pytest.fixture(autouse=True, scope="module")
def server(said: Callable[[MockLLM], MockLLM]) -> Iterator[MockLLM]:
    with MockLLM(seed=5) as mock, pytest.MonkeyPatch.context() as patch:
        patch.setenv("GOOGLE_API_KEY", "k")
        URL[:] = [mock.base_url]
        yield said(mock)


class TestGemini(ChatModelIntegrationTests):
    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ChatGoogleGenerativeAI

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": "gemini-3.5-flash", "max_retries": 1, "base_url": URL[0]}
