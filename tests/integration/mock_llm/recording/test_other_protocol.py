"""A recording of one protocol, asked by the official client of another."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import anthropic
import httpx
import openai
import pytest
import yaml

from mock_llm import MockLLM, Replay

SCHEMA: Any = {
    "type": "object",
    "properties": {"query": {"type": "string"}},
    "required": ["query"],
    "additionalProperties": False,
}
FUNCTION: Any = {"name": "search", "description": "Search the web", "parameters": SCHEMA, "strict": True}
CHAT_TOOL: Any = {"type": "function", "function": FUNCTION}
CLAUDE_TOOL: Any = {"name": "search", "description": "Search the web", "input_schema": SCHEMA}
RESPONSES_TOOL: Any = {"type": "function", **FUNCTION}
CALLS: Any = [{"name": "search", "arguments": {"query": q}} for q in ("tärdi", "grades")]
SCRIPT: Any = [
    {"when": {"tool_result": True}, "answer": "Both survive 🦔."},
    {"answer": {"text": "Let me look.", "tool_calls": CALLS}},
]
ANSWERS = ["Let me look.", [("search", {"query": "tärdi"}), ("search", {"query": "grades"})], "Both survive 🦔."]


def _chat(mock: MockLLM, stream: bool) -> list[Any]:
    """The two steps of an agent; returns text and calls of the first, text of the second."""
    messages: list[Any] = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Find them"}]
    with openai.OpenAI(base_url=mock.openai_base_url, api_key="k", max_retries=0) as client:

        def ask() -> Any:
            asked: dict[str, Any] = {"model": "gpt-4o", "messages": messages, "tools": [CHAT_TOOL]}
            if not stream:
                return client.chat.completions.create(**asked).choices[0].message
            with client.chat.completions.stream(**asked) as events:
                return events.get_final_completion().choices[0].message

        first = ask()
        calls = [
            {"id": c.id, "type": "function", "function": {"name": c.function.name, "arguments": c.function.arguments}}
            for c in first.tool_calls
        ]
        messages.append({"role": "assistant", "content": first.content, "tool_calls": calls})
        messages += [{"role": "tool", "tool_call_id": call["id"], "content": "hardy"} for call in calls]
        made = [(c["function"]["name"], json.loads(c["function"]["arguments"])) for c in calls]
        return [first.content, made, ask().content]


def _claude(mock: MockLLM, stream: bool) -> list[Any]:
    messages: list[Any] = [{"role": "user", "content": "Find them"}]
    with anthropic.Anthropic(base_url=mock.anthropic_base_url, api_key="k", max_retries=0) as client:

        def ask() -> Any:
            asked: dict[str, Any] = {"model": "claude-test", "max_tokens": 500, "messages": messages}
            asked |= {"tools": [CLAUDE_TOOL], "system": "Be brief."}
            if not stream:
                return client.messages.create(**asked).content
            with client.messages.stream(**asked) as events:
                return events.get_final_message().content

        first = ask()
        uses = [block for block in first if block.type == "tool_use"]
        messages.append({"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in first]})
        results = [{"type": "tool_result", "tool_use_id": use.id, "content": "hardy"} for use in uses]
        messages.append({"role": "user", "content": results})
        return [first[0].text, [(use.name, use.input) for use in uses], ask()[0].text]


def _responses(mock: MockLLM, stream: bool) -> list[Any]:
    items: list[Any] = [{"role": "user", "content": "Find them"}]
    with openai.OpenAI(base_url=mock.openai_base_url, api_key="k", max_retries=0) as client:

        def ask() -> Any:
            asked: dict[str, Any] = {"model": "gpt-4o", "input": items, "tools": [RESPONSES_TOOL]}
            asked["instructions"] = "Be brief."
            if not stream:
                return client.responses.create(**asked)
            with client.responses.stream(**asked) as events:
                for _ in events:
                    pass
                return events.get_final_response()

        first = ask()
        calls = [item for item in first.output if item.type == "function_call"]
        items.append({"role": "assistant", "content": first.output_text})
        items.extend(
            {"type": "function_call", "call_id": c.call_id, "name": c.name, "arguments": c.arguments} for c in calls
        )
        items.extend({"type": "function_call_output", "call_id": c.call_id, "output": "hardy"} for c in calls)
        return [first.output_text, [(c.name, json.loads(c.arguments)) for c in calls], ask().output_text]


TALKS = {"openai-chat": _chat, "anthropic": _claude, "openai-responses": _responses}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("recorded", TALKS)
def test_every_protocol_is_replayed_to_every_other_streamed_and_not(
    recorded: str, stream: bool, tmp_path: Path
) -> None:
    file = tmp_path / "r.yaml"
    with MockLLM(SCRIPT) as upstream, MockLLM(upstream=upstream.url, record=file) as recorder:
        assert TALKS[recorded](recorder, stream) == ANSWERS
    for talk in TALKS.values():
        for asked in (stream, not stream):
            with MockLLM(replay=file) as replay:
                assert talk(replay, asked) == ANSWERS
                replay.assert_all_rules_used()


def _ollama(mock: MockLLM, stream: bool) -> str:
    body: Any = {"model": "llama3", "messages": [{"role": "user", "content": "Hi"}], "stream": stream}
    answer = httpx.post(mock.url + "/api/chat", json=body)
    assert answer.status_code == 200
    return answer.text


def _gemini(mock: MockLLM, stream: bool) -> str:
    method = "streamGenerateContent" if stream else "generateContent"
    body: Any = {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}
    answer = httpx.post(f"{mock.url}/v1beta/models/gemini-2.5-pro:{method}?key=a-long-enough-key", json=body)
    assert answer.status_code == 200
    return answer.text


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("talk", [_ollama, _gemini])
def test_ollama_and_gemini_are_replayed_to_others_too(talk: Any, stream: bool, tmp_path: Path) -> None:
    answer = {"text": "Hello there, and then some.", "tool_calls": CALLS}
    with MockLLM([{"answer": answer}]) as upstream, MockLLM(upstream=upstream.url, record=tmp_path / "r") as recorder:
        recorded = talk(recorder, stream)
    with MockLLM(replay=tmp_path / "r") as replay:
        assert talk(replay, stream) == recorded
    assert "a-long-enough-key" not in (tmp_path / "r").read_text()
    body: Any = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}
    with MockLLM(replay=tmp_path / "r") as replay:
        told = httpx.post(replay.openai_base_url + "/chat/completions", json=body).json()["choices"][0]
        assert told["message"]["content"] == "Hello there, and then some."
        assert len(told["message"]["tool_calls"]) == 2
        assert told["finish_reason"] == "tool_calls"


CHAT: Any = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}], "stream": True}
CLAUDE: Any = {**CHAT, "model": "claude-test", "max_tokens": 500}


def test_the_first_and_last_frame_leave_when_those_recorded_did(tmp_path: Path) -> None:
    with MockLLM([{"answer": "A few words, one after the other."}]) as upstream:
        upstream.pacing("constant", ttft=0.04, inter_token=0.005)
        with MockLLM(upstream=upstream.url, record=tmp_path / "r") as recorder:
            httpx.post(recorder.url + "/v1/messages", json=CLAUDE)
            recorded = recorder.calls[0].entry
    with MockLLM(replay=tmp_path / "r", virtual_time=True) as replay:
        httpx.post(replay.openai_base_url + "/chat/completions", json=CHAT)
        told = replay.calls[0].entry
    assert told.first_byte_s == pytest.approx(recorded.first_byte_s, abs=1e-6)
    assert recorded.first_byte_s is not None and told.duration_s > recorded.first_byte_s
    frames = yaml.safe_load((tmp_path / "r").read_text())["exchanges"][0]["response"]["frames"]
    assert told.duration_s == pytest.approx(frames[-1]["at"] / 1000)
    assert (told.prompt_tokens, told.completion_tokens) == (recorded.prompt_tokens, recorded.completion_tokens)


def test_a_recorded_error_is_told_in_the_askers_words(tmp_path: Path) -> None:
    error = {"error": {"status": 429, "message": "Slow down.", "retry_after": 7}}
    with MockLLM([{"answer": error}]) as upstream, MockLLM(upstream=upstream.url, record=tmp_path / "r") as recorder:
        httpx.post(recorder.url + "/v1/messages", json=CLAUDE)
    with MockLLM(replay=tmp_path / "r") as replay:
        told = httpx.post(replay.openai_base_url + "/chat/completions", json=CHAT)
    assert (told.status_code, told.headers["retry-after"]) == (429, "7")
    assert told.json()["error"]["message"] == "Slow down."


def test_a_model_can_stand_for_a_recorded_one(tmp_path: Path) -> None:
    with MockLLM() as upstream, MockLLM(upstream=upstream.url, record=tmp_path / "r") as recorder:
        httpx.post(recorder.openai_base_url + "/chat/completions", json=CHAT)
    asked = {**CHAT, "model": "gpt-next"}
    with MockLLM(replay=Replay.read(tmp_path / "r", models={"gpt-next": "gpt-4o"})) as replay:
        assert httpx.post(replay.openai_base_url + "/chat/completions", json=asked).status_code == 200
    with MockLLM(replay=Replay.read(tmp_path / "r", models={"claude-test": "gpt-3"})) as replay:
        assert httpx.post(replay.url + "/v1/messages", json=CLAUDE).status_code == 400
        assert httpx.post(replay.url + "/v1/messages", json={**CLAUDE, "model": "other"}).status_code == 200


def test_a_fault_that_changes_what_is_said_changes_a_replayed_answer(tmp_path: Path) -> None:
    with MockLLM(SCRIPT) as upstream, MockLLM(upstream=upstream.url, record=tmp_path / "r") as recorder:
        httpx.post(recorder.openai_base_url + "/chat/completions", json={**CHAT, "tools": [CHAT_TOOL]})
    with MockLLM(replay=tmp_path / "r") as replay:
        replay.faults([{"kind": "tool_name"}])
        httpx.post(replay.openai_base_url + "/chat/completions", json={**CHAT, "tools": [CHAT_TOOL]})
        (call,) = replay.calls
        assert call.faults == ("tool_name",)
        assert "search" not in call.tools_called


def test_a_stream_without_its_end_is_an_error_for_other_protocols(tmp_path: Path) -> None:
    with MockLLM([{"answer": "Some words"}]) as upstream, MockLLM(upstream=upstream.url, record=tmp_path / "r") as rec:
        httpx.post(rec.openai_base_url + "/chat/completions", json=CHAT)
    text = (tmp_path / "r").read_text()
    (tmp_path / "r").write_text(text.replace('"finish_reason":"stop"', '"finish_reason":null'))
    with MockLLM(replay=tmp_path / "r") as replay:
        told = httpx.post(replay.url + "/v1/messages", json=CLAUDE)
        assert told.status_code == 400
        assert "exchange 1 (line 6) cannot be told to anthropic: its stream ends before" in told.text
        assert httpx.post(replay.openai_base_url + "/chat/completions", json=CHAT).status_code == 200
