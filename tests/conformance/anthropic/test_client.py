"""The official client, whole and streamed, with tools, thinking, batches and errors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anthropic
import pytest

from mock_llm import MockLLM

WEATHER: Any = {
    "name": "get_weather",
    "description": "The weather of a city.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}

USE: Any = {"type": "tool_use", "id": "t1", "name": "n", "input": {}}
RESULT: Any = {"type": "tool_result", "tool_use_id": "x"}


@pytest.fixture
def llm() -> Any:
    with MockLLM() as server:
        yield server


@pytest.fixture
def client(llm: MockLLM) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=llm.anthropic_base_url, api_key="k", max_retries=0) as client:
        yield client


def ask(text: str, **more: Any) -> dict[str, Any]:
    return {"model": "claude-sonnet-5-5", "max_tokens": 500, "messages": [{"role": "user", "content": text}], **more}


def test_a_message(llm: MockLLM, client: anthropic.Anthropic) -> None:
    llm.set_response("Twice a day.")
    raw = client.messages.with_raw_response.create(**ask("When is the tide?"))
    message = raw.parse()
    assert message.content[0].type == "text" and message.content[0].text == "Twice a day."
    assert (message.stop_reason, message.role, message.id[:6]) == ("end_turn", "assistant", "msg_01")
    assert message.usage.input_tokens > 0 and message.usage.output_tokens > 0
    assert raw.headers["request-id"].startswith("req_01")


def test_an_agent_loop_without_a_script_calls_the_tool_once_and_ends(client: anthropic.Anthropic) -> None:
    question = ask("What is the weather in Paris?", tools=[WEATHER])
    first = client.messages.create(**question)
    [call] = [block for block in first.content if block.type == "tool_use"]
    assert first.stop_reason == "tool_use" and call.id.startswith("toolu_01") and "city" in call.input
    result: Any = {"type": "tool_result", "tool_use_id": call.id, "content": "rain"}
    turns = [
        *question["messages"],
        {"role": "assistant", "content": first.content},
        {"role": "user", "content": [result]},
    ]
    second = client.messages.create(**{**question, "messages": turns})
    assert second.stop_reason == "end_turn" and "rain" in second.content[0].text  # type: ignore[union-attr]


def test_the_events_of_a_stream_in_anthropic_s_order(llm: MockLLM, client: anthropic.Anthropic) -> None:
    llm.rule(answer={"blocks": [
        {"thinking": "Hm."}, {"text": "Let me look."},
        {"tool_call": {"name": "get_weather", "arguments": {"city": "Rome"}}},
    ]})  # fmt: skip
    thinking: Any = {"type": "enabled", "budget_tokens": 1024}
    events = list(
        client.messages.create(**ask("?", tools=[WEATHER], thinking=thinking, stream=True) | {"max_tokens": 2000})
    )
    kinds = [event.type for event in events]
    assert kinds[0] == "message_start" and kinds[-2:] == ["message_delta", "message_stop"]
    assert kinds.count("content_block_start") == kinds.count("content_block_stop") == 3
    with client.messages.stream(**ask("?", tools=[WEATHER], thinking=thinking) | {"max_tokens": 2000}) as stream:
        message = stream.get_final_message()
    assert [block.type for block in message.content] == ["thinking", "text", "tool_use"]
    assert message.content[0].signature and message.content[2].input == {"city": "Rome"}  # type: ignore[union-attr]
    assert message.stop_reason == "tool_use" and message.usage.output_tokens > 1


def test_raw_events_name_a_ping_after_the_first_block(llm: MockLLM, client: anthropic.Anthropic) -> None:
    llm.set_response("Hello")
    with client.messages.with_streaming_response.create(**ask("?", stream=True)) as raw:
        names = [line[7:] for line in raw.iter_lines() if line.startswith("event: ")]
    assert names[:3] == ["message_start", "content_block_start", "ping"]
    assert names[-3:] == ["content_block_stop", "message_delta", "message_stop"]


async def test_the_async_client_streams_text(llm: MockLLM) -> None:
    llm.set_response("one two three four")
    client = anthropic.AsyncAnthropic(base_url=llm.anthropic_base_url, api_key="k")
    async with client, client.messages.stream(**ask("?")) as stream:
        pieces = [text async for text in stream.text_stream]
    assert "".join(pieces) == "one two three four" and len(pieces) > 1


def test_stop_sequences_and_length(llm: MockLLM, client: anthropic.Anthropic) -> None:
    llm.set_response("one STOP two three four five six seven")
    stopped = client.messages.create(**ask("?", stop_sequences=["STOP"]))
    assert (stopped.stop_reason, stopped.stop_sequence) == ("stop_sequence", "STOP")
    assert stopped.content[0].text == "one "  # type: ignore[union-attr]
    short = client.messages.create(**{**ask("?"), "max_tokens": 3})
    assert short.stop_reason == "max_tokens" and short.usage.output_tokens == 3


def test_counted_tokens_are_those_that_are_used(client: anthropic.Anthropic) -> None:
    question = ask("Some words to count, and then some more.", system="Be brief.", tools=[WEATHER])
    used = client.messages.create(**question).usage.input_tokens
    question.pop("max_tokens")
    assert client.messages.count_tokens(**question).input_tokens == used


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"max_tokens": 0}, "max_tokens: Input should be greater than or equal to 1"),
        ({"nonsense": 1}, "nonsense: Extra inputs are not permitted"),
        ({"messages": []}, "messages: at least one message is required"),
        ({"messages": [{"role": "assistant", "content": "x"}]}, 'first message must use the "user" role'),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages.0.role"),
        ({"tools": [{"name": "t", "input_schema": {"type": "string"}}]}, "tools.0.custom.input_schema.type"),
        ({"tools": [WEATHER, WEATHER]}, "tools: Tool names must be unique."),
        ({"tools": [WEATHER], "tool_choice": {"type": "tool", "name": "no"}}, "Tool 'no' not found"),
        ({"thinking": {"type": "enabled", "budget_tokens": 4096}}, "`max_tokens` must be greater than"),
        ({"messages": [{"role": "user", "content": [RESULT]}]}, "unexpected `tool_use_id`"),
        (
            {"messages": [{"role": "user", "content": "a"},
                          {"role": "assistant", "content": [USE]},
                          {"role": "user", "content": "b"}]},
            "`tool_use` ids were found without `tool_result` blocks immediately after: t1",
        ),
        ({"messages": [{"role": "user", "content": "word " * 250_000}]}, "prompt is too long"),
    ],
)  # fmt: skip
def test_wrong_requests_are_refused_in_anthropic_s_words(
    client: anthropic.Anthropic, change: dict[str, Any], message: str
) -> None:
    body = {**ask("hello"), **change}
    with pytest.raises(anthropic.BadRequestError) as refused:
        client.post("/v1/messages", body=body, cast_to=object)
    error = refused.value.body["error"]  # type: ignore[index]
    assert error["type"] == "invalid_request_error" and message in error["message"]
    assert refused.value.request_id == refused.value.body["request_id"]  # type: ignore[index]


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, "authentication_error"), (403, "permission_error"), (404, "not_found_error"), (413, "request_too_large"),
     (429, "rate_limit_error"), (500, "api_error"), (529, "overloaded_error")],
)  # fmt: skip
def test_scripted_errors_have_anthropic_s_types(
    llm: MockLLM, client: anthropic.Anthropic, status: int, kind: str
) -> None:
    llm.set_response(status=status)
    with pytest.raises(anthropic.APIStatusError) as refused:
        client.messages.create(**ask("?"))
    assert refused.value.status_code == status
    assert refused.value.body["error"]["type"] == kind  # type: ignore[index]


def test_models_are_told_apart_from_openai_s(llm: MockLLM, client: anthropic.Anthropic) -> None:
    models = list(client.models.list(limit=3))
    assert len(models) > 3 and all(model.id.startswith("claude") for model in models)
    assert client.models.retrieve(models[0].id).display_name


def test_a_batch_from_begin_to_results(client: anthropic.Anthropic) -> None:
    params: Any = ask("What is the tide?")
    bad: Any = {**params, "max_tokens": 0}
    made = client.messages.batches.create(
        requests=[{"custom_id": "a", "params": params}, {"custom_id": "b", "params": bad}]
    )
    assert made.processing_status == "in_progress"
    ended = client.messages.batches.retrieve(made.id)
    assert (ended.processing_status, ended.request_counts.succeeded, ended.request_counts.errored) == ("ended", 1, 1)
    results = {row.custom_id: row.result for row in client.messages.batches.results(made.id)}
    assert results["a"].type == "succeeded" and results["b"].type == "errored"
    assert [row.id for row in client.messages.batches.list()] == [made.id]
    client.messages.batches.delete(made.id)
    with pytest.raises(anthropic.NotFoundError):
        client.messages.batches.retrieve(made.id)


def test_structured_output_satisfies_its_schema(client: anthropic.Anthropic) -> None:
    schema = {
        "type": "object",
        "properties": {"n": {"type": "integer"}},
        "required": ["n"],
        "additionalProperties": False,
    }
    message = client.messages.create(**ask("?", output_config={"format": {"type": "json_schema", "schema": schema}}))
    assert '"n":' in message.content[0].text  # type: ignore[union-attr]


def test_the_same_seed_gives_the_same_bytes() -> None:
    bodies = []
    for _ in range(2):
        with MockLLM(seed=7) as server:
            raw = anthropic.Anthropic(base_url=server.anthropic_base_url, api_key="k").messages.with_raw_response
            bodies.append(raw.create(**ask("again", tools=[WEATHER])).http_response.content)
    assert bodies[0] == bodies[1]


def threaded(client: anthropic.Anthropic, thread: Any, *texts: str, **more: Any) -> Any:
    return client.beta.messages.create(
        model="claude-sonnet-5-5", max_tokens=500, messages=[{"role": "user", "content": text} for text in texts],
        betas=["message-threads-2026-08-12"], extra_body={"thread": thread}, **more,
    )  # fmt: skip


def onward(message: Any) -> dict[str, str]:
    return {"type": "continue", "previous_message_id": message.id}


def test_a_thread_holds_the_conversation_its_system_prompt_and_its_tools(
    llm: MockLLM, client: anthropic.Anthropic
) -> None:
    seen: list[Any] = []

    def answer(request: Any) -> str:
        said = [block.text for turn in request.turns for block in turn.blocks if hasattr(block, "text")]
        seen.append((request.system, [tool.name for tool in request.tools], said))
        return f"answer {len(seen)}"

    llm.rule(answer=answer)
    first = threaded(client, {"type": "create"}, "one", system="be brief", tools=[WEATHER])
    with client.beta.messages.stream(
        model="claude-sonnet-5-5", max_tokens=500, messages=[{"role": "user", "content": "two"}],
        betas=["message-threads-2026-08-12"], extra_body={"thread": onward(first)},
    ) as stream:  # fmt: skip
        second = stream.get_final_message()
    threaded(client, onward(second), "three")
    assert [said for _, _, said in seen] == [
        ["one"],
        ["one", "answer 1", "two"],
        ["one", "answer 1", "two", "answer 2", "three"],
    ]
    assert {(system, *tools) for system, tools, _ in seen} == {("be brief", "get_weather")}


def test_a_thread_that_cannot_be_continued_says_why_in_a_word_for_programs(client: anthropic.Anthropic) -> None:
    def refused(thread: Any, **more: Any) -> Any:
        with pytest.raises(anthropic.APIStatusError) as raised:
            threaded(client, thread, "on", **more)
        return raised.value.status_code, raised.value.body["error"].get("details", {}).get("error_code")  # type: ignore[index,call-overload]

    first = threaded(client, {"type": "create"}, "one")
    assert refused({"type": "continue", "previous_message_id": "msg_unheard"}) == (404, "thread_not_found")
    assert refused(onward(first), system="another") == (400, None)
    assert refused({"type": "fork"}) == (400, None)
    threaded(client, onward(first), "two")
    assert refused(onward(first)) == (400, "thread_already_continued")
    with pytest.raises(anthropic.BadRequestError, match="thread: Extra inputs are not permitted"):
        client.messages.create(**ask("one"), extra_body={"thread": {"type": "create"}})
