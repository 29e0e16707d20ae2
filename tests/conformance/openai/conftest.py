"""One server a test, and the official client pointed at it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from openai import OpenAI

from mock_llm import MockLLM


@pytest.fixture
def mock() -> Iterator[MockLLM]:
    with MockLLM(seed=3) as server:
        yield server


@pytest.fixture
def client(mock: MockLLM) -> Iterator[OpenAI]:
    with OpenAI(base_url=mock.openai_base_url, api_key="k", max_retries=0, _strict_response_validation=True) as made:
        yield made
