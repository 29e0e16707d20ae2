"""No secret reaches the file, and a request with one still finds its recorded answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from mock_llm import MockLLM, Recorder

KEY = "sk-proj-abcdefghijklmnopqrstuvwxyz012345"
OWN = "hunter2-but-longer"
SECRETS = [KEY, OWN, "swordfish", "AKIAABCDEFGHIJKLMNOP", "a-cookie", "of-the-query", "org-of-mine"]


def _exchange(mock: MockLLM, how: str) -> httpx.Response:
    body: Any = {
        "model": "gpt-4o",
        "messages": [{"role": "user", "content": f'Use {KEY} and {OWN}; {{"password": "swordfish"}}'}],
        "tools": [{"type": "function", "function": {"name": "login", "parameters": {"type": "object"}}}],
        "metadata": {"api_key": "swordfish"},
    }
    headers = {how: f"Bearer {OWN}" if how == "authorization" else OWN, "cookie": "session=a-cookie"}
    url = mock.openai_base_url + "/chat/completions?api-version=1&api-key=of-the-query"
    return httpx.post(url, json=body, headers=headers)


@pytest.mark.parametrize("how", ["authorization", "x-api-key", "api-key", "x-goog-api-key"])
def test_keys_in_headers_query_bodies_and_answers_are_redacted(how: str, tmp_path: Path) -> None:
    answer = {
        "text": f"You said {OWN} and AKIAABCDEFGHIJKLMNOP.",
        "tool_calls": [{"name": "login", "arguments": {"password": "swordfish", "user": "me"}}],
    }
    with MockLLM([{"answer": answer}]) as upstream, MockLLM(upstream=upstream.url, record=tmp_path / "r") as recorder:
        passed = _exchange(recorder, how)
        assert OWN in passed.text and "swordfish" in passed.text  # the client itself gets what was said
        httpx.post(recorder.openai_base_url + "/embeddings", json={"model": "e", "input": KEY}, headers={how: OWN})
    text = (tmp_path / "r").read_text()
    assert [secret for secret in SECRETS if secret in text] == []
    assert "api-version=1" in text and f"{how}: '[redacted]'" in text and "user" in text
    with MockLLM(replay=tmp_path / "r") as replay:
        told = _exchange(replay, how)
        assert told.status_code == 200
        assert told.json()["choices"][0]["message"]["content"] == "You said [redacted] and [redacted]."
        assert httpx.post(
            replay.openai_base_url + "/embeddings", json={"model": "e", "input": KEY.replace("a", "b")}
        ).is_success


def test_a_secret_spelled_out_token_by_token_is_not_recorded_at_all(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    body: Any = {"model": "gpt-4o", "messages": [{"role": "user", "content": "?"}], "stream": True}
    with MockLLM([{"answer": f"It is {KEY}."}]) as upstream:
        recorder = Recorder(upstream.url, tmp_path / "r")
        with MockLLM(record=recorder) as mock:
            httpx.post(mock.openai_base_url + "/chat/completions", json=body).raise_for_status()
            httpx.post(mock.openai_base_url + "/chat/completions", json={**body, "stream": False}).raise_for_status()
    assert recorder.count == 1
    assert "exchange 1 is not recorded: its answer spells out what looks like a secret" in capsys.readouterr().err
    assert "exchange: 2" in (tmp_path / "r").read_text()


def test_the_upstreams_own_url_is_written_without_its_password(tmp_path: Path) -> None:
    with MockLLM(upstream="https://me:swordfish@api.example/v1", record=tmp_path / "r"):
        pass
    assert "upstream: https://api.example/v1\n" in (tmp_path / "r").read_text()
