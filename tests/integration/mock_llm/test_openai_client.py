"""The official openai client against the mock: sync, async, streaming helpers, parse()."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest
from openai import AsyncOpenAI, OpenAI
from pydantic import BaseModel

from mock_llm import MockLLM

SEARCH: Any = {
    "type": "function",
    "function": {
        "name": "web_search",
        "description": "Search the web",
        "parameters": {
            "type": "object",
            "properties": {"query": {"type": "string"}, "limit": {"type": "integer", "minimum": 1}},
            "required": ["query", "limit"],
        },
    },
}
USER: Any = [{"role": "user", "content": "Find 3 papers about tardigrades"}]


@pytest.fixture
def mock() -> Iterator[MockLLM]:
    with MockLLM(seed=7) as server:
        yield server


@pytest.fixture
def client(mock: MockLLM) -> Iterator[OpenAI]:
    with OpenAI(base_url=mock.openai_base_url, api_key="k", max_retries=0) as made:
        yield made


def test_a_plain_answer_has_usage_id_and_headers(client: OpenAI, mock: MockLLM) -> None:
    mock.rule(text="tardigrades", answer="Three it is.")
    raw = client.chat.completions.with_raw_response.create(model="gpt-4o", messages=USER)
    answer = raw.parse()
    assert answer.choices[0].message.content == "Three it is."
    assert answer.choices[0].finish_reason == "stop"
    assert answer.id.startswith("chatcmpl-")
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 0
    assert raw.headers["x-request-id"].startswith("req_")
    assert int(raw.headers["openai-processing-ms"]) > 0
    assert int(raw.headers["x-ratelimit-remaining-requests"]) > 0


def test_an_unscripted_agent_loop_calls_a_tool_once_and_ends(client: OpenAI, mock: MockLLM) -> None:
    messages = list(USER)
    called = []
    for _ in range(5):
        choice = client.chat.completions.create(model="gpt-4o", messages=messages, tools=[SEARCH]).choices[0]
        messages.append(choice.message.model_dump(exclude_none=True))
        if choice.finish_reason == "stop":
            break
        for call in choice.message.tool_calls or ():
            assert call.type == "function"
            called.append(json.loads(call.function.arguments))
            messages.append({"role": "tool", "tool_call_id": call.id, "content": "Water bears survive vacuum"})
    assert called == [{"query": "Find 3 papers about tardigrades", "limit": 3}]
    assert "Water bears survive vacuum" in messages[-1]["content"]
    mock.assert_called(tool="web_search", times=1)


def test_a_stream_reassembles_to_the_whole_answer(client: OpenAI, mock: MockLLM) -> None:
    mock.rule(
        answer={"text": "Ähm — naïve 🦔 text", "tool_calls": [{"name": "web_search", "arguments": {"query": "ü"}}]}
    )
    with client.chat.completions.stream(
        model="gpt-4o",
        messages=USER,
        tools=[
            {
                **SEARCH,
                "function": {
                    **SEARCH["function"],
                    "strict": True,
                    "parameters": {
                        "type": "object",
                        "properties": {"query": {"type": "string"}},
                        "required": ["query"],
                        "additionalProperties": False,
                    },
                },
            }
        ],
    ) as stream:
        kinds = {event.type for event in stream}
        final = stream.get_final_completion()
    assert final.choices[0].message.content == "Ähm — naïve 🦔 text"
    calls = final.choices[0].message.tool_calls
    assert calls is not None
    assert calls[0].function.parsed_arguments == {"query": "ü"}
    assert {"content.delta", "tool_calls.function.arguments.delta"} <= kinds


def test_tool_call_deltas_name_id_and_function_once_and_index_always(client: OpenAI, mock: MockLLM) -> None:
    mock.rule(answer={"tool_calls": [{"name": "web_search", "arguments": {"query": f"number {i}"}} for i in (1, 2)]})
    deltas = [
        delta
        for chunk in client.chat.completions.create(model="gpt-4o", messages=USER, tools=[SEARCH], stream=True)
        for choice in chunk.choices
        for delta in choice.delta.tool_calls or ()
    ]
    assert {delta.index for delta in deltas} == {0, 1}
    named = [d for d in deltas if d.id]
    assert [(d.index, d.type, d.function.name) for d in named if d.function] == [
        (0, "function", "web_search"),
        (1, "function", "web_search"),
    ]
    joined = ["".join(d.function.arguments or "" for d in deltas if d.index == i and d.function) for i in (0, 1)]
    assert [json.loads(text) for text in joined] == [{"query": "number 1"}, {"query": "number 2"}]


def test_usage_is_null_on_interim_chunks_and_given_at_the_end(mock: MockLLM) -> None:
    body = {"model": "gpt-4o", "messages": USER, "stream": True, "stream_options": {"include_usage": True}}
    text = httpx.post(mock.openai_base_url + "/chat/completions", json=body).text
    lines = [line[6:] for line in text.splitlines() if line.startswith("data: ")]
    assert lines[-1] == "[DONE]"
    chunks = [json.loads(line) for line in lines[:-1]]
    assert all("usage" in chunk and chunk["usage"] is None for chunk in chunks[:-1])
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"]["total_tokens"] > 0
    without = httpx.post(mock.openai_base_url + "/chat/completions", json={**body, "stream_options": None}).text
    assert '"usage"' not in without


def test_n_gives_n_choices_streamed_too(client: OpenAI) -> None:
    whole = client.chat.completions.create(model="gpt-4o", messages=USER, n=3)
    assert [choice.index for choice in whole.choices] == [0, 1, 2]
    texts = {0: "", 1: "", 2: ""}
    for chunk in client.chat.completions.create(model="gpt-4o", messages=USER, n=3, stream=True):
        for choice in chunk.choices:
            texts[choice.index] += choice.delta.content or ""
    assert len(set(texts.values())) == 1
    assert texts[0]


def test_stop_and_max_tokens_end_the_text(client: OpenAI, mock: MockLLM) -> None:
    mock.rule(answer="one two STOP three four five six")
    stopped = client.chat.completions.create(model="gpt-4o", messages=USER, stop=["STOP"]).choices[0]
    assert (stopped.message.content, stopped.finish_reason) == ("one two ", "stop")
    short = client.chat.completions.create(model="gpt-4o", messages=USER, max_completion_tokens=2)
    assert (short.choices[0].message.content, short.choices[0].finish_reason) == ("one two", "length")
    assert short.usage is not None
    assert short.usage.completion_tokens == 2


def test_logprobs_spell_the_text(client: OpenAI, mock: MockLLM) -> None:
    mock.rule(answer="Hello wörld")
    choice = client.chat.completions.create(model="gpt-4o", messages=USER, logprobs=True, top_logprobs=2).choices[0]
    assert choice.logprobs is not None
    content = choice.logprobs.content or []
    assert "".join(item.token for item in content) == "Hello wörld"
    assert all(len(item.top_logprobs) == 2 and item.logprob <= 0 for item in content)


def test_parse_gives_an_object_of_the_schema(client: OpenAI) -> None:
    class Step(BaseModel):
        explanation: str
        value: int

    class Plan(BaseModel):
        title: str
        steps: list[Step]
        done: bool

    message = client.chat.completions.parse(model="gpt-4o", messages=USER, response_format=Plan).choices[0].message
    assert isinstance(message.parsed, Plan)


def test_a_refusal_reaches_the_client(client: OpenAI, mock: MockLLM) -> None:
    mock.rule(answer={"refusal": "I can't help with that."})
    message = client.chat.completions.create(model="gpt-4o", messages=USER).choices[0].message
    assert (message.content, message.refusal) == (None, "I can't help with that.")


def test_tool_choice_is_obeyed(client: OpenAI) -> None:
    def finish(**more: Any) -> str:
        return (
            client.chat.completions.create(model="gpt-4o", messages=USER, tools=[SEARCH], **more)
            .choices[0]
            .finish_reason
        )

    assert finish(tool_choice="none") == "stop"
    assert finish(tool_choice="required") == "tool_calls"
    assert finish(tool_choice={"type": "function", "function": {"name": "web_search"}}) == "tool_calls"


def test_stored_completions_can_be_fetched_changed_and_deleted(client: OpenAI) -> None:
    made = client.chat.completions.create(model="gpt-4o", messages=USER, store=True, metadata={"a": "1"})
    client.chat.completions.create(model="gpt-4o", messages=USER)
    assert client.chat.completions.retrieve(made.id).id == made.id
    assert [item.id for item in client.chat.completions.list()] == [made.id]
    assert [item.content for item in client.chat.completions.messages.list(made.id)] == [USER[0]["content"]]
    changed = client.chat.completions.update(made.id, metadata={"b": "2"})
    assert changed.metadata == {"b": "2"}
    assert [item.id for item in client.chat.completions.list(metadata={"b": "2"})] == [made.id]
    assert client.chat.completions.delete(made.id).deleted
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.retrieve(made.id)


async def test_the_async_client_streams(mock: MockLLM) -> None:
    mock.rule(answer="async text")
    async with AsyncOpenAI(base_url=mock.openai_base_url, api_key="k") as client:
        stream = await client.chat.completions.create(model="gpt-4o", messages=USER, stream=True)
        text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])
    assert text == "async text"


def test_models_and_moderations(client: OpenAI) -> None:
    assert "gpt-4o" in {model.id for model in client.models.list()}
    assert client.models.retrieve("gpt-4o").id == "gpt-4o"
    results = client.moderations.create(input=["I like tea", "I will kill you"]).results
    assert [item.flagged for item in results] == [False, True]
    with pytest.raises(openai.NotFoundError, match="does not exist"):
        client.models.retrieve("nonsense")


def test_the_client_retries_a_429_and_sees_the_headers(mock: MockLLM) -> None:
    mock.rule(answers=[{"error": {"status": 429, "retry_after": 0.01, "retry_after_as": "ms"}}] * 2 + ["third time"])
    with OpenAI(base_url=mock.openai_base_url, api_key="k", max_retries=2) as client:
        answer = client.chat.completions.create(model="gpt-4o", messages=USER)
    assert answer.choices[0].message.content == "third time"
    assert [(call.status, call.attempt) for call in mock.calls] == [(429, 0), (429, 1), (200, 2)]


def _function(**spec: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": "f", **spec}}


CALL = {"id": "c1", "type": "function", "function": {"name": "web_search", "arguments": "{}"}}
ASKED = [*USER, {"role": "assistant", "tool_calls": [CALL]}]


@pytest.mark.parametrize(
    ("change", "message", "param", "code"),
    [
        ({"messages": ASKED}, "must be followed by tool messages", "messages.[2].role", None),
        (
            {"messages": [*ASKED, {"role": "tool", "tool_call_id": "c2", "content": "x"}]},
            "'tool_call_id' of 'c2' not found",
            "messages.[2].tool_call_id",
            None,
        ),
        (
            {"messages": [{"role": "tool", "tool_call_id": "c2", "content": "x"}]},
            "must be a response to a preceeding message",
            "messages.[0].role",
            None,
        ),
        (
            {"messages": [{"role": "robot", "content": "x"}]},
            "Invalid value: 'robot'",
            "messages[0].role",
            "invalid_value",
        ),
        ({"messages": []}, "empty array", "messages", "empty_array"),
        ({"tempersture": 1}, "Unrecognized request argument", "tempersture", "unknown_parameter"),
        ({"temperature": 3}, "above maximum value", "temperature", "decimal_above_max_value"),
        ({"max_tokens": "5"}, "expected an integer, but got a string", "max_tokens", "invalid_type"),
        ({"n": 0}, "below minimum value", "n", "integer_below_min_value"),
        ({"stream_options": {"include_usage": True}}, "only allowed when 'stream'", "stream_options", None),
        (
            {"tools": [_function(parameters={"type": "array"})]},
            "Invalid schema for function 'f'",
            "tools[0].function.parameters",
            "invalid_function_parameters",
        ),
        (
            {"tools": [_function(parameters={"type": "object", "properties": {"a": {"type": "sting"}}})]},
            "Invalid schema for function 'f'",
            "tools[0].function.parameters",
            "invalid_function_parameters",
        ),
        (
            {"tools": [_function(strict=True, parameters={"type": "object", "properties": {}})]},
            "'additionalProperties' is required",
            "tools[0].function.parameters",
            "invalid_function_parameters",
        ),
        ({"tools": [_function(name="no good")]}, "does not match pattern", "tools[0].function.name", "invalid_value"),
        ({"tool_choice": "required"}, "only allowed when 'tools'", "tool_choice", None),
        ({"response_format": {"type": "json_object"}}, "must contain the word 'json'", "messages", None),
        (
            {"model": "gpt-4", "messages": [{"role": "user", "content": "word " * 9000}]},
            "maximum context length is 8192",
            "messages",
            "context_length_exceeded",
        ),
    ],
)
def test_a_wrong_request_gets_openais_own_400(
    mock: MockLLM, change: dict[str, Any], message: str, param: str, code: str | None
) -> None:
    body = {"model": "gpt-4o", "messages": USER, **change}
    answer = httpx.post(mock.openai_base_url + "/chat/completions", json=body)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert message in error["message"]
    assert (error["type"], error["param"], error["code"]) == ("invalid_request_error", param, code)


def test_errors_raise_the_clients_own_exceptions(mock: MockLLM) -> None:
    with MockLLM(require_key=True, models=("only-this",)) as strict:
        answer = httpx.post(strict.openai_base_url + "/chat/completions", json={})
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key")
        with OpenAI(base_url=strict.openai_base_url, api_key="k", max_retries=0) as client:
            with pytest.raises(openai.NotFoundError, match="does not exist"):
                client.chat.completions.create(model="gpt-4o", messages=USER)
            with pytest.raises(openai.NotFoundError, match="Invalid URL"):
                client.get("/nowhere", cast_to=object)
    broken = httpx.post(
        mock.openai_base_url + "/chat/completions", content=b"{", headers={"content-type": "application/json"}
    )
    assert broken.status_code == 400
    assert "parse the JSON body" in broken.json()["error"]["message"]
