"""Each rule, with a client that breaks it and one that keeps it; a client's waits move the virtual clock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import cycle
from typing import Any

import httpx
import pytest
from openai import OpenAI

from mock_llm import MockLLM
from mock_llm.verdict import RULES, Limits, discover

discover()
ASK: list[Any] = [{"role": "user", "content": "hello"}]


@pytest.fixture
def mock() -> Iterator[MockLLM]:
    with MockLLM(seed=3, virtual_time=True) as made:
        yield made


def _post(mock: MockLLM, *, timeout: float | None = 60, **more: Any) -> httpx.Response:
    with httpx.Client(transport=mock.transport(), base_url="http://mock", timeout=timeout) as client:
        return client.post("/v1/chat/completions", json={"model": "gpt-4o", "messages": ASK, **more})


def _retrying(mock: MockLLM, waits: Sequence[float], attempts: int = 5) -> None:
    """A client that asks until it is answered, `waits` apart, whatever the answer says."""
    pauses = cycle(waits)
    for _ in range(attempts):
        if _post(mock).status_code < 400:
            return
        mock.clock.advance(next(pauses))


def _broken(mock: MockLLM) -> set[str]:
    return {finding.rule for finding in mock.verdict(timed=True).findings}


@pytest.mark.parametrize(
    ("fault", "waits", "attempts", "broken"),
    [
        ({"status": 429, "retry_after": 5, "first": 1}, [1], 2, {"retry_after_ignored"}),
        ({"status": 429, "retry_after": 5, "first": 1}, [5], 2, set()),
        ({"status": 500, "first": 2}, [0], 3, {"no_backoff"}),
        ({"status": 500, "first": 2}, [0.5, 1], 3, set()),
        ({"status": 503, "first": 4}, [1], 5, {"constant_backoff"}),
        ({"status": 503, "first": 4}, [1, 2, 4, 8], 5, set()),
        ({"status": 400, "first": 1}, [1], 2, {"retried_non_retryable"}),
        ({"status": 400, "first": 1}, [1], 1, set()),
        ({"status": 503}, [1, 2, 4, 8], 11, {"retry_storm"}),
        ({"status": 503}, [1, 2, 4, 8], 10, set()),
        ({"status": 503, "first": 1}, [1], 1, {"gave_up_on_retryable"}),
    ],
)
def test_rules_about_retries(
    mock: MockLLM, fault: dict[str, Any], waits: list[float], attempts: int, broken: set[str]
) -> None:
    mock.faults([{"kind": "status", **fault}])
    _retrying(mock, waits, attempts)
    assert _broken(mock) == broken


@pytest.mark.parametrize(
    ("fault", "rule"),
    [
        ({"kind": "cut", "frame": 3}, "truncated_stream_accepted"),
        ({"kind": "malformed", "frame": 3}, "malformed_chunk_swallowed"),
    ],
)
@pytest.mark.parametrize("careless", [True, False])
def test_rules_about_broken_answers(mock: MockLLM, fault: dict[str, Any], rule: str, careless: bool) -> None:
    mock.faults([{**fault, "first": 1}])
    try:
        _post(mock, stream=True)
    except httpx.RemoteProtocolError:
        assert fault["kind"] == "cut"
    if not careless:
        _post(mock, stream=True)  # asks again before it goes on
    _post(mock, stream=True, messages=[*ASK, {"role": "assistant", "content": "Th"}, *ASK])
    assert _broken(mock) == ({rule} if careless else set())


@pytest.mark.parametrize(("timeout", "broken"), [(None, {"no_read_timeout"}), (30.0, set())])
def test_a_client_needs_a_read_timeout(mock: MockLLM, timeout: float | None, broken: set[str]) -> None:
    mock.faults([{"kind": "stall", "frame": 2, "first": 1}])
    with httpx.Client(transport=mock.transport(), base_url="http://mock", timeout=timeout) as client:
        body = {"model": "gpt-4o", "messages": ASK, "stream": True}
        with client.stream("POST", "/v1/chat/completions", json=body) as response:
            pieces = response.iter_raw()
            next(pieces)
            next(pieces)
            if timeout is not None:
                with pytest.raises(httpx.ReadTimeout):
                    next(pieces)
            while mock.server.in_flight:
                mock._settle()
    assert _broken(mock) == broken


@pytest.mark.parametrize(("timeout", "broken"), [(5, {"timeout_shorter_than_script_latency"}), (20, set())])
def test_a_timeout_must_outlast_the_script(mock: MockLLM, timeout: float, broken: set[str]) -> None:
    mock.faults([{"kind": "latency", "seconds": 12}])
    try:
        _post(mock, timeout=timeout)
    except httpx.ReadTimeout:
        assert timeout == 5
    assert _broken(mock) == broken


def test_secrets_are_found_and_not_repeated(mock: MockLLM) -> None:
    _post(mock)
    assert _broken(mock) == set()
    key = "sk-proj-" + "a1B2" * 8
    _post(mock, messages=[{"role": "user", "content": f"use {key}"}])
    (finding,) = mock.verdict().findings
    assert finding.rule == "secrets_in_prompts"
    assert key not in str(finding)


def test_the_official_client_with_retries_is_resilient_and_without_is_not() -> None:
    with MockLLM() as mock:
        mock.faults([{"kind": "status", "status": 429, "retry_after": 0.3, "retry_after_as": "ms", "first": 1}])
        with OpenAI(base_url=mock.openai_base_url, api_key="k", max_retries=2) as client:
            client.chat.completions.create(model="gpt-4o", messages=ASK)
        assert mock.assert_resilient().calls == 1
        assert [call.attempt for call in mock.calls] == [0, 1]
        other = mock.session("naive")
        other.faults([{"kind": "status", "status": 500, "first": 1}])
        httpx.post(other.openai_base_url + "/chat/completions", json={"model": "gpt-4o", "messages": ASK})
        with pytest.raises(AssertionError, match=r"gave_up_on_retryable: no second attempt after 500 .*#1"):
            other.assert_resilient()
        other.assert_resilient(ignore=["gave_up_on_retryable"])
        data = httpx.get(mock.url + "/_mock/sessions/naive/verdict").json()
        assert [finding["rule"] for finding in data["findings"]] == ["gave_up_on_retryable"]
        assert httpx.get(mock.url + "/_mock/verdict").json()["requests"] == 3


def test_nothing_asked_proves_nothing_and_virtual_waits_are_not_judged(mock: MockLLM) -> None:
    with pytest.raises(AssertionError, match="no evidence"):
        mock.assert_resilient()
    _post(mock)
    assert set(mock.verdict().skipped) == {"retry_after_ignored", "no_backoff", "constant_backoff"}
    with pytest.raises(ValueError, match="no such rule: nonsense"):
        mock.assert_resilient(ignore=["nonsense"])


def test_limits_are_the_users(mock: MockLLM) -> None:
    mock.faults([{"kind": "status", "status": 503, "first": 2}])
    _retrying(mock, [1, 2], 3)
    assert [f.rule for f in mock.verdict(Limits(most_attempts=2), timed=True).findings] == ["retry_storm"]


def test_every_rule_is_tried_here_and_named_on_its_page() -> None:
    from pathlib import Path

    here = Path(__file__)
    page = (here.parents[3] / "docs/mock-llm/verdict.md").read_text(encoding="utf-8")
    for name in RULES:
        assert f'"{name}"' in here.read_text(encoding="utf-8")
        assert f"| `{name}` |" in page
