"""What a recording does not answer is an error that names the nearest exchange and what differs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from mock_llm import MockLLM

TOOL: Any = {
    "type": "function",
    "function": {"name": "search", "parameters": {"type": "object", "properties": {"limit": {"type": "integer"}}}},
}


def _body(*messages: str, **more: Any) -> Any:
    roles = ("system", "user")
    said = [{"role": role, "content": text} for role, text in zip(roles, messages, strict=True)]
    return {"model": "gpt-4o", "messages": said, **more}


BODY = _body("You are a careful librarian.", "Find the book of sand.", tools=[TOOL])
OTHER = _body("You are a pirate.", "Where is the treasure?")


def _ask(mock: MockLLM, body: Any, path: str = "/chat/completions") -> httpx.Response:
    return httpx.post(mock.openai_base_url + path, json=body)


@pytest.fixture
def replay(tmp_path: Path) -> Iterator[MockLLM]:
    with MockLLM() as upstream, MockLLM(upstream=upstream.url, record=tmp_path / "r.yaml") as recorder:
        for body in (OTHER, BODY):
            _ask(recorder, body)
        _ask(recorder, {"model": "text-embedding-3-small", "input": "sand"}, "/embeddings")
    with MockLLM(replay=tmp_path / "r.yaml") as mock:
        yield mock


def _error(response: httpx.Response) -> str:
    assert response.status_code == 400
    error = response.json()["error"]
    assert error["code"] == "mock_stale"
    return str(error["message"])


FORMAT: Any = {"type": "json_schema", "json_schema": {"name": "book", "schema": {"type": "object"}}}
NARROWER: Any = {
    "type": "function",
    "function": {"name": "search", "parameters": {"type": "object", "properties": {"limit": {"type": "number"}}}},
}


@pytest.mark.parametrize(
    ("body", "difference"),
    [
        (
            _body("You are a careful librarian.", "Find the book of salt.", tools=[TOOL]),
            "messages[0].user: recorded 'Find the book of sand.', asked 'Find the book of salt.'",
        ),
        (
            _body("You are a careless librarian.", "Find the book of sand.", tools=[TOOL]),
            "system: recorded 'You are a careful librarian.', asked 'You are a careless librarian.'",
        ),
        (
            {**BODY, "tools": [NARROWER]},
            "tools[0].parameters.properties.limit.type: recorded 'integer', asked 'number'",
        ),
        ({k: v for k, v in BODY.items() if k != "tools"}, 'tools[0]: recorded {"name":"search"'),
        ({**BODY, "model": "gpt-4o-mini"}, "model: recorded 'gpt-4o', asked 'gpt-4o-mini'"),
        ({**BODY, "temperature": 0.5}, "params.temperature: recorded nothing, asked 0.5"),
        ({**BODY, "reasoning_effort": "low"}, "params.reasoning_effort: recorded nothing, asked 'low'"),
        ({**BODY, "response_format": FORMAT}, 'output: recorded nothing, asked {"type":"json_schema"'),
    ],
)
def test_the_error_names_the_nearest_exchange_and_what_differs(replay: MockLLM, body: Any, difference: str) -> None:
    text = _error(_ask(replay, body))
    assert "no recorded exchange answers request 1 of session 'default'" in text
    assert "Nearest: exchange 2 (line " in text
    assert [line for line in text.splitlines() if line.startswith("  - ")] == [
        next(line for line in text.splitlines() if f"  - {difference}" in line)
    ]
    assert "record again: mock-llm record --upstream http://127.0.0.1:" in text


def test_the_named_line_is_where_the_exchange_starts(replay: MockLLM, tmp_path: Path) -> None:
    text = _error(_ask(replay, {**OTHER, "model": "x"}))
    line = int(text.split("exchange 1 (line ")[1].split(")")[0])
    assert (tmp_path / "r.yaml").read_text().splitlines()[line - 1] == "- exchange: 1"


def test_a_difference_deep_in_a_long_text_is_shown_where_it_is(tmp_path: Path) -> None:
    long = "word " * 400
    with MockLLM() as upstream, MockLLM(upstream=upstream.url, record=tmp_path / "r") as recorder:
        _ask(recorder, _body("s", long + "old" + long))
    with MockLLM(replay=tmp_path / "r") as mock:
        text = _error(_ask(mock, _body("s", long + "new" + long)))
    (line,) = [line for line in text.splitlines() if line.startswith("  - ")]
    assert "old" in line and "new" in line and len(line) < 320


def test_asked_more_often_than_recorded_is_an_error_until_the_session_is_reset(replay: MockLLM) -> None:
    assert _ask(replay, BODY).status_code == 200
    text = _error(_ask(replay, BODY))
    assert "exchange 2 (line " in text and "has answered already: this was recorded 1 time" in text
    httpx.post(replay.url + "/_mock/sessions/default/reset").raise_for_status()
    assert _ask(replay, BODY).status_code == 200


def test_who_asks_and_how_it_is_sent_do_not_make_it_stale(replay: MockLLM) -> None:
    streamed = {"stream": True, "stream_options": {"include_usage": True}}
    told = _ask(replay, {**BODY, **streamed, "user": "me", "metadata": {"run": "7"}, "store": False})
    assert told.status_code == 200
    assert told.text.endswith("data: [DONE]\n\n") and '"total_tokens"' in told.text


def test_plain_endpoints_are_stale_too(replay: MockLLM) -> None:
    good = {"model": "text-embedding-3-small", "input": "sand"}
    text = _error(_ask(replay, {**good, "input": "salt"}, "/embeddings"))
    assert "exchange 3" in text and "body.input: recorded 'sand', asked 'salt'" in text
    assert "path: recorded" in _error(_ask(replay, good, "/no/such/endpoint"))
    assert _ask(replay, good, "/embeddings").status_code == 200


def test_the_official_client_does_not_retry_it(replay: MockLLM) -> None:
    with (
        openai.OpenAI(base_url=replay.openai_base_url, api_key="k", max_retries=3) as client,
        pytest.raises(openai.BadRequestError, match="Nearest: exchange"),
    ):
        client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "?"}])
    assert len(replay.calls) == 1


def test_exchanges_never_used_are_reported_like_rules(replay: MockLLM) -> None:
    _ask(replay, BODY)
    assert [(one.name, one.when) for one in replay.unused()] == [
        ("exchange 1", "POST /v1/chat/completions 'Where is the treasure?'"),
        ("exchange 3", "POST /v1/embeddings"),
    ]
    with pytest.raises(AssertionError, match=r"exchange 1.*treasure"):
        replay.assert_all_rules_used()
