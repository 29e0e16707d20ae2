"""Faults of what is said, not of how it is sent, on each protocol; and what Azure says instead of OpenAI."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from mock_llm import MockLLM
from tests.integration.mock_llm.dialects import CHAT, MESSAGES, RESPONSES, Dialect, Json
from tests.integration.mock_llm.test_faults_everywhere import (
    ARGUMENTS,
    TEXT,
    everywhere,
    message,
    mock,
    post,
    said,
    whole_and_streamed,
)

__all__ = ["mock"]


@everywhere
@whole_and_streamed
def test_a_call_of_a_tool_that_is_not_there(mock: MockLLM, wire: Dialect, stream: bool) -> None:
    asked: Json = {"stream": stream, "text": "weather", "tools": True}
    mock.faults([{"kind": "tool_name"}])
    assert [name for name, _ in said(mock, wire, **asked).calls] == ["lookUp"]
    mock.faults([{"kind": "tool_name", "tool": "launch"}])
    assert [name for name, _ in said(mock, wire, **asked).calls] == ["launch"]


@everywhere
@whole_and_streamed
@pytest.mark.parametrize(
    ("how", "arguments"),
    [
        ("missing", {"days": 3}),
        ("wrong_type", {"city": 12345, "days": 3}),
        ("extra", {**ARGUMENTS, "x_unexpected": "surplus"}),
        ("empty", None),
        ("not_json", None),
    ],
)
def test_arguments_that_do_not_fit(
    mock: MockLLM, wire: Dialect, stream: bool, how: str, arguments: Json | None
) -> None:
    mock.faults([{"kind": "tool_arguments", "how": how}])
    [(name, text)] = said(mock, wire, stream=stream, text="weather", tools=True).calls
    assert name == "look_up"
    if arguments is not None:
        assert orjson.loads(text) == arguments
    elif wire is MESSAGES and not stream:  # whole, Anthropic's arguments are an object always
        assert (orjson.loads(text) == {}) is (how == "empty")
        assert ("_invalid_json" in text) is (how == "not_json")
    else:
        assert (text == "") is (how == "empty")
        with pytest.raises(orjson.JSONDecodeError):
            orjson.loads(text)


@everywhere
@whole_and_streamed
def test_calls_that_contradict_each_other(mock: MockLLM, wire: Dialect, stream: bool) -> None:
    mock.faults([{"kind": "contradictory_calls"}])
    one, two = said(mock, wire, stream=stream, text="weather", tools=True).calls
    assert one[0] == two[0] and orjson.loads(one[1]) == ARGUMENTS
    assert orjson.loads(two[1]) == {"city": "not Oslo", "days": 3}


def _again(wire: Dialect, call: tuple[str, str], number: int) -> list[Any]:
    """The turns with which a client answers a call."""
    name, arguments = call
    ident = f"call_{number}"
    if wire is CHAT:
        function = {"name": name, "arguments": arguments}
        return [
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": ident, "type": "function", "function": function}],
            },
            {"role": "tool", "tool_call_id": ident, "content": "sunny"},
        ]
    if wire is RESPONSES:
        return [
            {"type": "function_call", "call_id": ident, "name": name, "arguments": arguments},
            {"type": "function_call_output", "call_id": ident, "output": "sunny"},
        ]
    use = {"type": "tool_use", "id": ident, "name": name, "input": orjson.loads(arguments)}
    result = {"type": "tool_result", "tool_use_id": ident, "content": "sunny"}
    return [{"role": "assistant", "content": [use]}, {"role": "user", "content": [result]}]


@everywhere
@whole_and_streamed
def test_a_loop_of_calls_never_ends(mock: MockLLM, wire: Dialect, stream: bool) -> None:
    mock.faults([{"kind": "tool_loop"}])
    turns: list[Any] = [{"role": "user", "content": "anything"}]
    asked = set()
    for number in range(5):
        [call] = said(mock, wire, stream=stream, text=turns, tools=True).calls
        asked.add(call)
        turns += _again(wire, call, number)
    assert len(asked) == 1


@everywhere
@whole_and_streamed
def test_the_previous_answer_again(mock: MockLLM, wire: Dialect, stream: bool) -> None:
    mock.faults([{"kind": "repeat_answer", "copies": 2}])
    assert said(mock, wire, stream=stream).text == TEXT * 2
    turns = [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "said"},
        {"role": "user", "content": "b"},
    ]
    assert said(mock, wire, stream=stream, text=turns).text == "said"


@everywhere
@whole_and_streamed
def test_absurd_counts(mock: MockLLM, wire: Dialect, stream: bool) -> None:
    usual = said(mock, wire, stream=stream).usage
    mock.faults([{"kind": "usage_spike", "factor": 100, "reasoning": 7}])
    assert usual is not None
    assert said(mock, wire, stream=stream).usage == usual * 100 + 7
    assert mock.calls[-1].completion_tokens == usual * 100 + 7


@everywhere
@whole_and_streamed
@pytest.mark.parametrize("reason", ["stop", "length", "tool_calls", "content_filter"])
def test_a_reason_that_does_not_fit(mock: MockLLM, wire: Dialect, stream: bool, reason: str) -> None:
    mock.faults([{"kind": "finish_reason", "reason": reason}])
    for text in ("hello", "weather"):
        assert said(mock, wire, stream=stream, text=text, tools=True).reason == wire.reasons[reason]


def test_a_wrong_reason_hides_the_stop_sequence_and_a_refusal_too(mock: MockLLM) -> None:
    mock.rule(text="refuse", answer={"refusal": "I will not."})
    mock.faults([{"kind": "finish_reason", "reason": "length"}])
    assert said(mock, MESSAGES, stream=False, text="hello", stop_sequences=["water"]).reason == "max_tokens"
    assert said(mock, MESSAGES, stream=False, text="refuse").reason == "max_tokens"


@everywhere
@whole_and_streamed
def test_a_prompt_that_is_too_long(mock: MockLLM, wire: Dialect, stream: bool) -> None:
    mock.faults([{"kind": "context_overflow", "tokens": 50}])
    assert said(mock, wire, stream=stream).text == TEXT
    refused = post(mock, wire, stream=stream, text="word " * 90)
    words = {
        CHAT: "This model's maximum context length is 50 tokens. However, your messages resulted in ",
        RESPONSES: "Your input exceeds the context window of this model. ",
        MESSAGES: "prompt is too long: ",
    }
    assert (refused.status_code, message(refused.json())[: len(words[wire])]) == (400, words[wire])
    error = refused.json()["error"]
    if wire is MESSAGES:
        assert error["message"].endswith(" tokens > 50 maximum")
    else:
        assert (error["code"], error["param"]) == (
            "context_length_exceeded",
            "input" if wire is RESPONSES else "messages",
        )


@whole_and_streamed
@pytest.mark.parametrize(
    ("status", "code", "begins"),
    [
        (401, "401", "Access denied due to invalid subscription key"),
        (404, "DeploymentNotFound", "The API deployment for this resource does not exist."),
        (408, "Timeout", "The operation was timeout."),
        (
            429,
            "429",
            "Requests to the ChatCompletions_Create Operation under Azure OpenAI API version 2024-10-21 have exceeded "
            "call rate limit of your current OpenAI S0 pricing tier. Please retry after 9 seconds.",
        ),
    ],
)
def test_on_azures_paths_errors_are_azures(mock: MockLLM, stream: bool, status: int, code: str, begins: str) -> None:
    mock.faults([{"kind": "status", "status": status, "retry_after": 9}])
    path = "/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21"
    answer = post(mock, CHAT, path=path, stream=stream)
    error = answer.json()["error"]
    assert (answer.status_code, set(error), error["code"]) == (status, {"code", "message"}, code)
    assert error["message"].startswith(begins)


def test_azures_filter_explains_itself_and_its_models_speak_as_openais(mock: MockLLM) -> None:
    mock.faults([{"kind": "status", "status": 400, "code": "content_filter"}])
    for wire, path in ((CHAT, "/openai/v1/chat/completions"), (RESPONSES, "/openai/v1/responses")):
        error = post(mock, wire, path=path).json()["error"]
        assert error["code"] == "content_filter" and error["innererror"]["code"] == "ResponsibleAIPolicyViolation"
    mock.faults([{"kind": "context_overflow"}])
    long = post(mock, RESPONSES, path="/openai/v1/responses").json()["error"]
    assert (long["code"], long["param"]) == ("context_length_exceeded", "input")
