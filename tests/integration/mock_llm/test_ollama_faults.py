"""What faults do to Ollama's lines of JSON: the framing is not OpenAI's, the damage should be the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import orjson
import pytest

from mock_llm import MockLLM

TEXT = "High water comes twice a day, as the moon goes round."
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
CALL = {"tool_calls": [{"name": "get_weather", "arguments": {"city": "Rome"}}]}


@pytest.fixture
def mock() -> Iterator[MockLLM]:
    with MockLLM(seed=3, virtual_time=True) as made:
        yield made


def body(**more: Any) -> dict[str, Any]:
    return {"model": "qwen3", "messages": [{"role": "user", "content": "When is the tide?"}], **more}


def lines(mock: MockLLM, path: str = "/api/chat", *, inside: bool = False, **more: Any) -> tuple[list[bytes], bool]:
    """The lines that arrive, and whether the answer came to its orderly end; `inside`: without a socket."""
    found: list[bytes] = []
    ask: dict[str, Any] = {"model": "qwen3", "prompt": "When?", **more} if path == "/api/generate" else body(**more)
    left = b""
    try:
        with (
            httpx.Client(transport=mock.transport() if inside else None, timeout=30) as client,
            client.stream("POST", mock.base_url + path, json=ask) as answer,
        ):
            for data in answer.iter_raw():
                left += data
                *whole, left = left.split(b"\n")
                found += whole
    except httpx.TransportError:
        return [*found, left] if left else found, False
    return [*found, left] if left else found, True


def said(found: list[bytes]) -> str:
    return "".join(orjson.loads(line)["message"]["content"] for line in found)


def test_a_cut_at_a_frame_leaves_whole_lines_and_no_end(mock: MockLLM) -> None:
    mock.set_response(TEXT)
    mock.faults([{"kind": "cut", "frame": 3}])
    found, ended = lines(mock)
    assert not ended
    assert len(found) == 3
    assert TEXT.startswith(said(found))
    assert not any(orjson.loads(line)["done"] for line in found)


def test_a_cut_at_a_byte_leaves_half_a_line(mock: MockLLM) -> None:
    mock.set_response(TEXT)
    mock.faults([{"kind": "cut", "byte": 150, "how": "rst"}])
    found, ended = lines(mock)
    assert not ended
    assert sum(map(len, found)) <= 150  # a reset may take what was sent before it
    if found:
        with pytest.raises(orjson.JSONDecodeError):
            orjson.loads(found[-1])


def test_a_cut_inside_a_call_falls_into_its_line(mock: MockLLM) -> None:
    mock.script([{"answer": {"blocks": [{"text": "Looking."}, *({"tool_call": call} for call in CALL["tool_calls"])]}}])
    mock.faults([{"kind": "cut", "inside": "tool"}])
    found, ended = lines(mock, tools=[WEATHER])
    assert not ended
    assert b"tool_calls" in found[-1] or b'"message"' in found[-1]
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(found[-1])


def test_a_stall_sends_some_lines_and_then_nothing(mock: MockLLM) -> None:
    mock.set_response(TEXT)
    mock.faults([{"kind": "stall", "frame": 2}])
    found, ended = lines(mock, inside=True)
    assert not ended
    assert len(found) == 2


@pytest.mark.parametrize("path", ["/api/chat", "/api/generate"])
def test_without_its_end_the_stream_has_no_line_that_is_done(mock: MockLLM, path: str) -> None:
    mock.set_response(TEXT)
    mock.faults([{"kind": "missing", "what": "done"}])
    found, ended = lines(mock, path)
    assert ended
    assert found and not any(orjson.loads(line)["done"] for line in found)


def test_a_malformed_line_is_one_line_still(mock: MockLLM) -> None:
    mock.set_response(TEXT)
    mock.faults([{"kind": "malformed", "frame": 1}])
    found, ended = lines(mock)
    assert ended and orjson.loads(found[-1])["done"]
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(found[1])
    whole = said([found[0], *found[2:]])
    assert TEXT.startswith(said(found[:1])) and TEXT.endswith(said(found[2:])) and whole != TEXT


def test_duplicates_and_disorder_keep_every_line_whole(mock: MockLLM) -> None:
    mock.set_response(TEXT)
    mock.faults([{"kind": "duplicate", "frame": 1, "copies": 3}])
    found, _ = lines(mock)
    assert found[1] == found[2] == found[3]
    mock.faults([{"kind": "reorder", "shuffle": True}])
    mixed, _ = lines(mock)
    assert said(mixed) != TEXT and sorted(said(mixed)) == sorted(TEXT)
    assert orjson.loads(mixed[-1])["done"]


def test_an_error_event_is_a_line_with_nothing_else_and_the_last(mock: MockLLM) -> None:
    mock.set_response(TEXT)
    mock.faults([{"kind": "error_event", "frame": 2, "status": 500, "message": "cuda ran out of memory"}])
    found, ended = lines(mock)
    assert ended and len(found) == 3
    assert orjson.loads(found[-1]) == {"error": "cuda ran out of memory"}


@pytest.mark.parametrize("path", ["/api/chat", "/api/generate"])
@pytest.mark.parametrize("stream", [True, False])
def test_empty_choices_is_an_end_without_a_word(mock: MockLLM, path: str, *, stream: bool) -> None:
    mock.script([{"answer": {"blocks": [{"thinking": "The moon."}, {"text": TEXT}]}}])
    mock.faults([{"kind": "empty_choices"}])
    found, _ = lines(mock, path, stream=stream)
    [only] = map(orjson.loads, found)
    assert only["done"] and only["eval_count"]
    spoken = only["message"] if path == "/api/chat" else {"role": "assistant", "content": only["response"]}
    assert spoken == {"role": "assistant", "content": ""}
    assert "thinking" not in only


@pytest.mark.parametrize("stream", [True, False])
def test_calls_of_tools_that_are_not_there_and_with_wrong_arguments(mock: MockLLM, *, stream: bool) -> None:
    mock.script([{"answer": CALL}])

    def called() -> dict[str, Any]:
        found, _ = lines(mock, tools=[WEATHER], stream=stream)
        messages = [orjson.loads(line)["message"] for line in found]
        [call] = [call for message in messages for call in message.get("tool_calls", ())]
        function: dict[str, Any] = call["function"]
        return function

    assert (called()["name"], called()["arguments"]) == ("get_weather", {"city": "Rome"})
    mock.faults([{"kind": "tool_name"}])
    assert called()["name"] not in {"get_weather", ""}
    mock.faults([{"kind": "tool_name", "tool": "launch"}])
    assert called()["name"] == "launch"
    mock.faults([{"kind": "tool_arguments", "how": "missing"}])
    assert called()["arguments"] == {}
    mock.faults([{"kind": "tool_arguments", "how": "wrong_type"}])
    assert not isinstance(called()["arguments"]["city"], str)


@pytest.mark.parametrize("stream", [True, False])
def test_arguments_that_are_no_json_come_as_text_as_ollama_gives_what_it_cannot_read(
    mock: MockLLM, *, stream: bool
) -> None:
    mock.script([{"answer": CALL}])
    mock.faults([{"kind": "tool_arguments", "how": "not_json"}])
    found, _ = lines(mock, tools=[WEATHER], stream=stream)
    assert not any("tool_calls" in orjson.loads(line)["message"] for line in found)
    assert '"name": "get_weather"' in said(found)


def test_a_prompt_that_is_too_long_is_refused_in_the_words_of_the_provider_asked(mock: MockLLM) -> None:
    mock.faults([{"kind": "context_overflow", "tokens": 1}])
    assert httpx.post(f"{mock.base_url}/api/chat", json=body()).json() == {
        "error": "the input length exceeds the context length"
    }
    claude = httpx.post(f"{mock.base_url}/v1/messages", json=body(max_tokens=9)).json()
    assert claude["error"]["message"].startswith("prompt is too long: ")
    gpt = httpx.post(f"{mock.base_url}/v1/chat/completions", json=body()).json()
    assert gpt["error"]["message"].startswith("This model's maximum context length is 1 tokens.")


def test_usage_and_reasons_that_are_wrong(mock: MockLLM) -> None:
    mock.set_response(TEXT)
    usual = orjson.loads(lines(mock)[0][-1])
    mock.faults([{"kind": "usage_spike", "factor": 10}, {"kind": "finish_reason", "reason": "length"}])
    last = orjson.loads(lines(mock)[0][-1])
    assert last["eval_count"] == usual["eval_count"] * 10
    assert last["eval_duration"] == usual["eval_duration"] * 10
    assert (usual["done_reason"], last["done_reason"]) == ("stop", "length")
