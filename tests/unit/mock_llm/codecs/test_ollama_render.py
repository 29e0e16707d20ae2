"""Ollama's answers: lines and whole bodies that say the same, times made up from counts, errors in mid-stream."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from mock_llm.codecs.ollama import CODEC
from mock_llm.codecs.protocol import ApiError, Call
from mock_llm.completion import Choice, Completion, Refusal, Request, Text, Thinking, ToolCall, Usage

HI = {"role": "user", "content": "hi"}


def call(path: str = "/api/chat", **body: Any) -> Call:
    return Call(method="POST", path=path, headers={}, json={"model": "m", **body})


def answer(*blocks: Any, finish: Any = "stop", usage: Usage | None = None) -> Completion:
    return Completion((Choice(tuple(blocks), finish),), usage or Usage(10, 4), "m")


def lines(completion: Completion, path: str = "/api/chat", **body: Any) -> list[dict[str, Any]]:
    ask = {"prompt": "hi"} if path == "/api/generate" else {"messages": [HI]}
    made = call(path, **ask, **body)
    request = CODEC.parse(made)
    assert isinstance(request, Request)
    frames = list(CODEC.stream(completion, request, made))
    assert all(frame.data.endswith(b"\n") and frame.data.count(b"\n") == 1 for frame in frames)
    return [orjson.loads(frame.data) for frame in frames]


def whole(completion: Completion, path: str = "/api/chat", **body: Any) -> dict[str, Any]:
    ask = {"prompt": "hi"} if path == "/api/generate" else {"messages": [HI]}
    made = call(path, stream=False, **ask, **body)
    request = CODEC.parse(made)
    assert isinstance(request, Request)
    found: dict[str, Any] = orjson.loads(CODEC.render(completion, request, made).body)
    return found


def test_durations_follow_from_the_counts() -> None:
    found = whole(answer(Text("hello"), usage=Usage(100, 5)))
    assert (found["prompt_eval_count"], found["eval_count"]) == (100, 5)
    assert (found["prompt_eval_duration"], found["eval_duration"]) == (100_000_000, 100_000_000)
    assert found["total_duration"] == found["load_duration"] + 200_000_000
    assert found == whole(answer(Text("hello"), usage=Usage(100, 5)))


@pytest.mark.parametrize("path", ["/api/chat", "/api/generate"])
def test_the_lines_say_what_the_whole_says(path: str) -> None:
    said = answer(Thinking("The moon goes round."), Text("High water comes twice a day."))
    one, *_ = found = lines(said, path)
    assert one["created_at"] == found[-1]["created_at"] == "2026-01-01T00:00:01.000000Z"
    assert [line["done"] for line in found] == [False] * (len(found) - 1) + [True]
    full = whole(said, path)
    if path == "/api/generate":
        assert "".join(line["response"] for line in found) == full["response"] == "High water comes twice a day."
        assert "".join(line.get("thinking", "") for line in found) == full["thinking"]
        assert found[-1]["context"] and all("context" not in line for line in found[:-1])
    else:
        words = "".join(line["message"]["content"] for line in found)
        assert words == full["message"]["content"] == "High water comes twice a day."
        assert "".join(line["message"].get("thinking", "") for line in found) == full["message"]["thinking"]
    assert {key: full[key] for key in found[-1] if key.endswith(("_count", "_duration", "_reason"))} == {
        key: found[-1][key] for key in found[-1] if key.endswith(("_count", "_duration", "_reason"))
    }


def test_each_call_comes_whole_on_a_line_with_its_arguments_as_an_object() -> None:
    calls = (ToolCall("look", '{"at":"sea"}', "call_a"), ToolCall("look", "{}", "call_b"))
    made = [
        call for line in lines(answer(*calls, finish="tool_calls")) for call in line["message"].get("tool_calls", ())
    ]
    assert made == whole(answer(*calls, finish="tool_calls"))["message"]["tool_calls"]
    assert [(one["id"], one["function"]) for one in made] == [
        ("call_a", {"index": 0, "name": "look", "arguments": {"at": "sea"}}),
        ("call_b", {"index": 1, "name": "look", "arguments": {}}),
    ]


@pytest.mark.parametrize("arguments", ['{"at":', "[]", "7"])
def test_a_call_that_is_no_object_is_text(arguments: str) -> None:
    message = whole(answer(ToolCall("look", arguments, "call_a")))["message"]
    assert message["content"] == f'{{"name": "look", "parameters": {arguments}}}'
    assert "tool_calls" not in message


@pytest.mark.parametrize(
    ("finish", "reason"), [("stop", "stop"), ("length", "length"), ("tool_calls", "stop"), ("refusal", "stop")]
)
def test_there_are_two_reasons_to_end(finish: Any, reason: str) -> None:
    assert whole(answer(Text("x"), finish=finish))["done_reason"] == reason


def test_what_was_not_to_be_thought_is_not_shown() -> None:
    said = answer(Thinking("Hm."), Refusal("No."))
    assert whole(said, think=False)["message"] == {"role": "assistant", "content": "No."}


def test_raw_remembers_nothing() -> None:
    assert "context" in whole(answer(Text("x")), "/api/generate")
    assert "context" not in whole(answer(Text("x")), "/api/generate", raw=True)


def test_an_error_in_mid_stream_is_a_line() -> None:
    frame = CODEC.error_frame(ApiError(503), call(), 2)
    assert frame.kind == "error"
    assert orjson.loads(frame.data) == {"error": "server busy, please try again.  maximum pending requests exceeded"}
