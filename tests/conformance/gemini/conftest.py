"""One server a test, and Google's client pointed at it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from google import genai
from google.genai import types

from mock_llm import MockLLM


def _connect(llm: MockLLM) -> genai.Client:
    return genai.Client(api_key="k", vertexai=False, http_options=types.HttpOptions(base_url=llm.base_url))


@pytest.fixture
def connect() -> Callable[[MockLLM], genai.Client]:
    """Makes a client of a server."""
    return _connect


@pytest.fixture
def llm() -> Iterator[MockLLM]:
    with MockLLM(seed=3) as server:
        yield server


@pytest.fixture
def client(llm: MockLLM) -> Iterator[genai.Client]:
    with _connect(llm) as made:
        yield made
