"""What LangChain's own tests need, whichever provider's client they run over."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator

import pytest
from pytest_asyncio import is_async_test

from mock_llm import MockLLM

IGNORED = (
    "ignore:Pydantic serializer warnings",
    "ignore:Received a Pydantic BaseModel V1",
    "ignore:Benchmark fixture was not used",
    "ignore:Inheritance class AiohttpClientSession",
    # LangChain closes no client that it made.
    "ignore:unclosed:ResourceWarning",
    "ignore::pytest.PytestUnraisableExceptionWarning",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """LangChain's tests share one loop: its packages keep one async connection pool for all their models."""
    for item in items:
        if item.path.name != "test_langchain.py":
            continue
        for warning in IGNORED:
            item.add_marker(pytest.mark.filterwarnings(warning))
        if is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="module"), append=False)


@pytest.fixture(scope="module")
def said() -> Iterator[Callable[[MockLLM], MockLLM]]:
    """Scripts what two of the tests expect of a model alone: these keys, these names."""

    def script(mock: MockLLM) -> MockLLM:
        mock.rule(text="'setup' and 'punchline' keys", answer='{"setup": "Why do cats nap?", "punchline": "To paws."}')
        for part, name in (("集团", "你好啊集团"), ("株式会社", "こんにちは株式会社")):
            customer = {"customer_name": name, "description": "a company"}
            mock.rule(text=part, answer={"tool_calls": [{"name": "unicode_customer", "arguments": customer}]})
        return mock

    yield script
    gc.collect()  # what the clients left open is found here, not in the next test
