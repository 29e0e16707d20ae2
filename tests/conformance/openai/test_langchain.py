"""LangChain's own tests of chat models, over ChatOpenAI in both of its protocols."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_openai import ChatOpenAI
from langchain_tests.integration_tests import ChatModelIntegrationTests

from mock_llm import MockLLM

pytestmark = [
    pytest.mark.filterwarnings("ignore:Pydantic serializer warnings", "ignore:Received a Pydantic BaseModel V1"),
]


@pytest.fixture(autouse=True, scope="module")
def server() -> Iterator[MockLLM]:
    with MockLLM(seed=5) as mock, pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_API_KEY", "k")
        patch.setenv("OPENAI_BASE_URL", mock.openai_base_url)
        # Two tests look for what a model alone would say: these keys, these names.
        mock.rule(text="'setup' and 'punchline' keys", answer='{"setup": "Why do cats nap?", "punchline": "To paws."}')
        for part, name in (("集团", "你好啊集团"), ("株式会社", "こんにちは株式会社")):
            customer = {"customer_name": name, "description": "a company"}
            mock.rule(text=part, answer={"tool_calls": [{"name": "unicode_customer", "arguments": customer}]})
        yield mock


class TestChatCompletions(ChatModelIntegrationTests):
    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ChatOpenAI

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
