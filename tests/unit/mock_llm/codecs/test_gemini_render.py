"""Gemini's answers: streams that say what the whole says, counts that grow, prompts blocked, enums, signatures."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from mock_llm.codecs.gemini import CODEC
from mock_llm.codecs.protocol import ApiError, Call
from mock_llm.completion import Choice, Completion, Refusal, Text, Thinking, ToolCall, Usage
from mock_llm.recording.decoders import gemini as decoder


def call(method: str, sse: bool = True, model: str = "gemini-3.5-flash", **body: Any) -> Call:
    return Call(
        method="POST",
        path=f"/v1beta/models/{model}:{method}",
        headers={},
        json={"contents": [{"parts": [{"text": "hi"}]}], **body},
        params={"model": model},
        query_string=b"alt=sse" if sse else b"",
    )


def answer(*blocks: Any, finish: Any = "stop", usage: Usage | None = None) -> Completion:
    return Completion((Choice(tuple(blocks), finish),), usage or Usage(10, 40), "gemini-3.5-flash")


def whole(completion: Completion, **more: Any) -> dict[str, Any]:
    made = call("generateContent", **more)
    found: dict[str, Any] = orjson.loads(CODEC.render(completion, CODEC.parse(made), made).body)
    return found


def streamed(completion: Completion, sse: bool = True, **more: Any) -> list[dict[str, Any]]:
    made = call("streamGenerateContent", sse, **more)
    data = b"".join(frame.data for frame in CODEC.stream(completion, CODEC.parse(made), made))
    if not sse:
        array: list[dict[str, Any]] = orjson.loads(data)
        return array
    *events, rest = data.split(b"\r\n\r\n")
    assert rest == b""
    return [orjson.loads(event.removeprefix(b"data: ")) for event in events]


THOUGHTS = {"generationConfig": {"thinkingConfig": {"includeThoughts": True}}}
SAID = answer(
    Thinking("The moon goes round the earth."),
    Text("High water comes twice a day."),
    ToolCall("tide", '{"place":"Brest"}', "fc_1"),
    ToolCall("moon", "{}", "fc_2"),
    finish="tool_calls",
    usage=Usage(10, 40, 3, 8),
)


@pytest.mark.parametrize("sse", [True, False])
def test_a_stream_says_what_the_whole_says(sse: bool) -> None:
    parts = streamed(SAID, sse, **THOUGHTS)
    assert decoder.whole(decoder.joined(parts)) == decoder.whole(whole(SAID, **THOUGHTS))
    assert {part["responseId"] for part in parts} == {parts[0]["responseId"]}


@pytest.mark.parametrize("more", [THOUGHTS, {}])
def test_counts_only_grow_and_add_up(more: dict[str, Any]) -> None:
    for name in ("candidatesTokenCount", "thoughtsTokenCount", "totalTokenCount"):
        counts = [part["usageMetadata"].get(name, 0) for part in streamed(SAID, **more)]
        assert counts == sorted(counts)
        assert counts[-1] == whole(SAID)["usageMetadata"][name]
    for part in streamed(SAID, **more):
        used = part["usageMetadata"]
        assert used["totalTokenCount"] == (
            used["promptTokenCount"] + used["candidatesTokenCount"] + used.get("thoughtsTokenCount", 0)
        )


def test_the_first_call_of_gemini_3_is_signed() -> None:
    parts = whole(SAID)["candidates"][0]["content"]["parts"]
    assert ["thoughtSignature" in part for part in parts] == [False, True, False]
    older = whole(SAID, model="gemini-2.5-flash")["candidates"][0]["content"]["parts"]
    assert not any("thoughtSignature" in part for part in older)


@pytest.mark.parametrize("blocks", [(), (Text(""),)])
def test_a_filter_that_lets_nothing_through_has_blocked_the_prompt(blocks: tuple[Any, ...]) -> None:
    blocked = answer(*blocks, finish="content_filter")
    body = whole(blocked)
    assert body["promptFeedback"] == {"blockReason": "SAFETY"}
    assert "candidates" not in body
    [*_, last] = streamed(blocked)
    assert "candidates" not in last and last["promptFeedback"] == body["promptFeedback"]
    assert decoder.whole(body).first == Choice((), "content_filter")
    some = whole(answer(Text("High"), finish="content_filter"))
    assert some["candidates"][0]["finishReason"] == "SAFETY" and "promptFeedback" not in some


@pytest.mark.parametrize(
    ("completion", "reason"),
    [
        (answer(Text("x")), "STOP"),
        (answer(Text("x"), finish="length"), "MAX_TOKENS"),
        (answer(ToolCall("f"), finish="tool_calls"), "STOP"),
        (answer(Text("x"), finish="tool_calls"), "UNEXPECTED_TOOL_CALL"),
        (answer(ToolCall("f", "{"), finish="tool_calls"), "MALFORMED_FUNCTION_CALL"),
        (answer(Refusal("No."), finish="refusal"), "SAFETY"),
    ],
)
def test_why_it_ended(completion: Completion, reason: str) -> None:
    assert whole(completion)["candidates"][0]["finishReason"] == reason
    assert streamed(completion)[-1]["candidates"][0]["finishReason"] == reason


def test_a_value_of_an_enum_comes_without_quotes() -> None:
    schema = {"type": "STRING", "enum": ["calm", "rough"]}
    bare = {"generation_config": {"response_mime_type": "text/x.enum", "response_schema": schema}}
    json = {"generationConfig": {"responseMimeType": "application/json", "responseSchema": schema}}
    texts = [whole(answer(Text('"calm"')), **more)["candidates"][0]["content"]["parts"] for more in (bare, json)]
    assert texts == [[{"text": "calm"}], [{"text": '"calm"'}]]


def test_errors_in_googles_form() -> None:
    made = call("generateContent")
    limited = orjson.loads(CODEC.error(ApiError(429, retry_after=7), made).body)["error"]
    assert (limited["code"], limited["status"]) == (429, "RESOURCE_EXHAUSTED")
    assert limited["details"] == [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "7s"}]
    wrong = orjson.loads(CODEC.error(ApiError(400, "No.", param="contents[0].parts"), made).body)["error"]
    assert wrong["details"][0]["fieldViolations"] == [{"field": "contents[0].parts", "description": "No."}]
    long = ApiError(400, "Too long.", code="context_length_exceeded", param="messages")
    assert "details" not in orjson.loads(CODEC.error(long, made).body)["error"]
