"""A sweep tells the client that heals a cut from the one that reports it and the one that hides it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest

from mock_llm import MockLLM
from mock_llm.sweep import Sweep, sweep, sweep_async

BODY = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hello"}], "stream": True}


@pytest.fixture
def mock() -> Iterator[MockLLM]:
    with MockLLM(seed=3, virtual_time=True) as made:
        made.set_response("one two three")
        yield made


def _strict(mock: MockLLM) -> str:
    text, finished = "", False
    with (
        httpx.Client(transport=mock.transport(), base_url="http://mock") as client,
        client.stream("POST", "/v1/chat/completions", json=BODY) as response,
    ):
        for line in response.iter_lines():
            if line == "data: [DONE]":
                finished = True
            elif line.startswith("data: "):
                choice = json.loads(line[6:])["choices"][0]
                text += choice["delta"].get("content") or ""
    if not finished:
        raise ValueError("no end")
    return text


def _patient(mock: MockLLM) -> str:
    try:
        return _strict(mock)
    except (httpx.HTTPError, ValueError):
        return _strict(mock)


def _careless(mock: MockLLM) -> str:
    text = ""
    try:
        with (
            httpx.Client(transport=mock.transport(), base_url="http://mock") as client,
            client.stream("POST", "/v1/chat/completions", json=BODY) as response,
        ):
            for line in response.iter_lines():
                if line.startswith("data: {"):
                    text += json.loads(line[6:])["choices"][0]["delta"].get("content") or ""
    except httpx.HTTPError:
        pass
    return text


def test_a_client_that_asks_again_survives_every_cut(mock: MockLLM) -> None:
    found = sweep(mock, lambda: _patient(mock))
    assert len(found.points) >= 5
    found.assert_all_survived()


def test_a_client_that_reports_a_cut_is_never_wrong(mock: MockLLM) -> None:
    found = sweep(mock, lambda: _strict(mock), by=("frame", "byte"), every=7)
    found.assert_none_wrong()
    assert {point.outcome for point in found.points} == {"raised"}
    with pytest.raises(AssertionError, match="were not survived"):
        found.assert_all_survived()


def test_a_client_that_hides_a_cut_is_found_out(mock: MockLLM) -> None:
    found = sweep(mock, lambda: _careless(mock))
    with pytest.raises(AssertionError, match="gave a wrong result in silence"):
        found.assert_none_wrong()


async def test_a_client_that_is_awaited_is_swept_too_and_the_plan_comes_back(mock: MockLLM) -> None:
    mock.faults([{"kind": "latency", "seconds": 2}])

    async def ask() -> int:
        async with httpx.AsyncClient(transport=mock.transport(), base_url="http://mock") as client:
            return len((await client.post("/v1/chat/completions", json=BODY)).content)

    found: Sweep = await sweep_async(mock, ask, by=("byte",), every=200)
    assert len(found.points) >= 5
    assert {point.outcome for point in found.points} == {"raised"}
    plan = mock.server.sessions.get("default").faults
    assert plan is not None
    assert [entry.fault.kind for entry in plan.entries] == ["latency"]


def test_a_client_that_asks_nothing_cannot_be_swept(mock: MockLLM) -> None:
    with pytest.raises(ValueError, match="nothing to cut"):
        sweep(mock, lambda: 1)
