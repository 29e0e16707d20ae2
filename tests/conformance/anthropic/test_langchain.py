"""LangChain's own tests of chat models, over ChatAnthropic."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from langchain_anthropic import ChatAnthropic
from langchain_core.language_models import BaseChatModel
from langchain_tests.integration_tests import ChatModelIntegrationTests

from mock_llm import MockLLM


@pytest.fixture(autouse=True, scope="module")
def server(said: Callable[[MockLLM], MockLLM]) -> Iterator[MockLLM]:
    with MockLLM(seed=5) as mock, pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANTHROPIC_API_KEY", "k")
        patch.setenv("ANTHROPIC_API_URL", mock.anthropic_base_url)
        yield said(mock)


class TestAnthropic(ChatModelIntegrationTests):
    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ChatAnthropic

    @property
    def model_override_value(self) -> str:
        return "claude-sonnet-4-6"

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": "claude-haiku-4-5", "max_retries": 0}

    @property
    def supports_anthropic_inputs(self) -> bool:
        return True
