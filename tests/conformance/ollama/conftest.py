"""A server and the official clients of it."""

from __future__ import annotations

from collections.abc import Iterator

import ollama
import pytest

from mock_llm import MockLLM


@pytest.fixture
def llm() -> Iterator[MockLLM]:
    with MockLLM(seed=3) as server:
        yield server


@pytest.fixture
def client(llm: MockLLM) -> Iterator[ollama.Client]:
    with ollama.Client(host=llm.base_url) as made:
        yield made
