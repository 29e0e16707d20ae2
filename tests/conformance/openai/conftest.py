"""One server a test, and the official client pointed at it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from openai import OpenAI
from pytest_asyncio import is_async_test

from mock_llm import MockLLM


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """LangChain's tests share one loop: langchain-openai keeps one async connection pool for all its models."""
    for item in items:
        if item.path.name == "test_langchain.py" and is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="module"), append=False)


@pytest.fixture
def mock() -> Iterator[MockLLM]:
    with MockLLM(seed=3) as server:
        yield server


@pytest.fixture
def client(mock: MockLLM) -> Iterator[OpenAI]:
    with OpenAI(base_url=mock.openai_base_url, api_key="k", max_retries=0, _strict_response_validation=True) as made:
        yield made
