"""Ollama's lines on the wire: the same bytes each run, paced like any other stream, each session by itself."""

from __future__ import annotations

from typing import Any

import httpx
import orjson
import pytest

from mock_llm import MockLLM

CHAT = {"model": "qwen3", "messages": [{"role": "user", "content": "Tell me of the tide."}]}
TEXT = "High water comes twice a day, as the moon goes round."


def sent(mock: MockLLM, path: str, body: dict[str, Any]) -> bytes:
    with httpx.Client(transport=mock.transport(), base_url="http://mock") as client:
        return client.post(path, json=body).content


def test_the_same_seed_gives_the_same_bytes_and_another_other_ones() -> None:
    def run(seed: int) -> list[bytes]:
        with MockLLM(seed=seed, virtual_time=True) as mock:
            return [
                sent(mock, "/api/chat", CHAT),
                sent(mock, "/s/one/api/chat", {**CHAT, "stream": False}),
                sent(mock, "/api/generate", {"model": "qwen3", "prompt": "Why?"}),
                sent(mock, "/api/embed", {"model": "nomic-embed-text", "input": "tide"}),
                sent(mock, "/api/show", {"model": "qwen3"}),
            ]

    first = run(3)
    assert first == run(3)
    assert first[2] != run(4)[2]


def test_pacing_waits_for_each_token() -> None:
    with MockLLM(seed=3, virtual_time=True) as mock:
        mock.set_response(TEXT)
        mock.pacing("constant", ttft=2, inter_token=0.5)
        before = mock.now()
        last = orjson.loads(sent(mock, "/api/chat", CHAT).splitlines()[-1])
        assert mock.now() - before == pytest.approx(2 + 0.5 * (last["eval_count"] - 1))


def test_sessions_have_their_own_script_and_their_own_models_in_memory() -> None:
    with MockLLM(seed=3, virtual_time=True) as mock:
        mock.session("one").set_response("I am one.")
        mock.session("two").set_response("I am two.")
        for name in ("one", "two"):
            said = orjson.loads(sent(mock, f"/s/{name}/api/chat", {**CHAT, "stream": False}))
            assert said["message"]["content"] == f"I am {name}."
        assert mock.session("one").calls[0].protocol == "ollama"
        assert not mock.calls


def test_a_rule_may_ask_for_the_protocol_and_the_model() -> None:
    with MockLLM(seed=3, virtual_time=True) as mock:
        mock.rule(model="qwen3", answer="Thinking of it.")
        mock.rule(answer="No idea.")
        assert b"Thinking" in sent(mock, "/api/chat", CHAT)
        assert b"idea" in sent(mock, "/api/chat", {**CHAT, "model": "llama3.2"})


def test_a_server_that_wants_keys_refuses_without_one() -> None:
    with MockLLM(require_key=True) as mock:
        refused = httpx.post(f"{mock.base_url}/api/chat", json=CHAT)
        assert (refused.status_code, refused.json()) == (401, {"error": "unauthorized"})
        key = {"authorization": "Bearer any"}
        assert httpx.post(f"{mock.base_url}/api/chat", json=CHAT, headers=key).status_code == 200
