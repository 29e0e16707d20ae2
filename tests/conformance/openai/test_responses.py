"""The Responses API through the official client, which validates every answer strictly."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI, OpenAI
from pydantic import BaseModel

from mock_llm import MockLLM

SEARCH: Any = {
    "type": "function",
    "name": "web_search",
    "description": "Search the web",
    "strict": False,
    "parameters": {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]},
}


def test_a_stream_has_the_typed_events_in_order_and_can_be_resumed(client: OpenAI) -> None:
    events = list(client.responses.create(model="gpt-4o", input="Find water bears", tools=[SEARCH], stream=True))
    kinds = [event.type for event in events]
    assert kinds[:3] == ["response.created", "response.in_progress", "response.output_item.added"]
    assert kinds[-3:] == ["response.function_call_arguments.done", "response.output_item.done", "response.completed"]
    assert set(kinds[3:-3]) == {"response.function_call_arguments.delta"}
    assert [event.sequence_number for event in events] == list(range(len(events)))
    final = events[-1]
    assert final.type == "response.completed"
    item = final.response.output[0]
    assert item.type == "function_call"
    said = "".join(event.delta for event in events if event.type == "response.function_call_arguments.delta")
    assert said == item.arguments
    assert json.loads(said) == {"query": "Find water bears"}
    rest = list(client.responses.retrieve(final.response.id, stream=True, starting_after=4))
    assert [event.model_dump() for event in rest] == [event.model_dump() for event in events[5:]]


def test_a_text_streams_through_its_part(client: OpenAI, mock: MockLLM) -> None:
    mock.rule(answer="Ähm — naïve 🦔 text")
    with client.responses.stream(model="gpt-4o", input="hello") as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_response()
    assert final.output_text == "Ähm — naïve 🦔 text"
    deltas = [kind for kind in kinds if kind != "response.output_text.delta"]
    assert deltas == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]


def test_an_agent_loop_by_previous_response_id_calls_once_and_ends(client: OpenAI, mock: MockLLM) -> None:
    first = client.responses.create(model="gpt-4o", input="Find water bears", tools=[SEARCH])
    call = first.output[0]
    assert call.type == "function_call"
    result: Any = [{"type": "function_call_output", "call_id": call.call_id, "output": "they survive vacuum"}]
    second = client.responses.create(model="gpt-4o", previous_response_id=first.id, input=result, tools=[SEARCH])
    assert "they survive vacuum" in second.output_text
    mock.assert_called(tool="web_search", times=1)
    listed = client.responses.input_items.list(second.id).data
    assert [item.type for item in listed] == ["function_call_output"]


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        ({"input": [{"type": "function_call_output", "call_id": "c", "output": "x"}]}, None, "No tool call found"),
        (
            {"input": [{"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}]},
            None,
            "No tool output found for function call c.",
        ),
        ({"input": "x", "temperature": 3}, "decimal_above_max_value", "temperature"),
        ({"input": [{"role": "wizard", "content": "x"}]}, "invalid_value", "wizard"),
        ({"input": "x", "extra_body": {"colour": 1}}, "unknown_parameter", "colour"),
        ({"input": "word " * 200_000}, "context_length_exceeded", "context window"),
        ({"input": "x", "previous_response_id": "resp_" + "0" * 48}, "previous_response_not_found", "not found"),
        (
            {"input": "x", "tools": [{**SEARCH, "parameters": {"type": "array"}}]},
            "invalid_function_parameters",
            "web_search",
        ),
    ],
)
def test_wrong_requests_get_openais_error(client: OpenAI, body: Any, code: str | None, words: str) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.responses.create(model="gpt-4o", **body)
    assert refused.value.code == code
    assert words in str(refused.value)


def test_structured_output_is_valid_for_its_schema(client: OpenAI) -> None:
    class Person(BaseModel):
        name: str
        age: int

    parsed = client.responses.parse(model="gpt-4o", input="Ada Lovelace is 36", text_format=Person).output_parsed
    assert parsed is not None
    assert parsed.age == 36


def test_a_background_response_completes_after_two_looks_or_is_cancelled(client: OpenAI) -> None:
    made = client.responses.create(model="gpt-4o", input="hello", background=True)
    assert (made.status, made.output) == ("queued", [])
    assert client.responses.retrieve(made.id).status == "in_progress"
    done = client.responses.retrieve(made.id)
    assert done.status == "completed"
    assert done.output_text
    other = client.responses.create(model="gpt-4o", input="hello", background=True)
    assert client.responses.cancel(other.id).status == "cancelled"
    assert client.responses.retrieve(other.id).status == "cancelled"


def test_what_is_deleted_or_not_stored_is_gone(client: OpenAI) -> None:
    kept = client.responses.create(model="gpt-4o", input="hello")
    assert client.responses.retrieve(kept.id).output_text == kept.output_text
    client.responses.delete(kept.id)
    unkept = client.responses.create(model="gpt-4o", input="hello", store=False)
    for name in (kept.id, unkept.id):
        with pytest.raises(openai.NotFoundError):
            client.responses.retrieve(name)


def test_a_conversation_keeps_what_was_said_and_a_compaction_stands_for_it(client: OpenAI, mock: MockLLM) -> None:
    mock.rule(text="my name", answer="Hello Ada.")
    conversation = client.conversations.create(metadata={"who": "ada"})
    client.responses.create(model="gpt-4o", conversation=conversation.id, input="my name is Ada")
    items = client.conversations.items.list(conversation.id, order="asc").data
    assert [item.type for item in items] == ["message", "message"]
    before = client.responses.input_tokens.count(model="gpt-4o", input="and now?")
    after = client.responses.input_tokens.count(model="gpt-4o", input="and now?", conversation=conversation.id)
    assert after.input_tokens > before.input_tokens
    small = client.responses.compact(model="gpt-4o", input=[item.model_dump(exclude_none=True) for item in items])  # type: ignore[misc]
    counted = client.responses.input_tokens.count(
        model="gpt-4o",
        input=[*(item.model_dump() for item in small.output), {"role": "user", "content": "and now?"}],  # type: ignore[list-item]
    )
    assert counted.input_tokens == after.input_tokens


def test_reasoning_is_an_item_and_streams_its_summary(client: OpenAI) -> None:
    reasoning: Any = {"effort": "low", "summary": "auto"}
    events = list(client.responses.create(model="o4-mini", input="think", reasoning=reasoning, stream=True))
    final = events[-1]
    assert final.type == "response.completed"
    thought = final.response.output[0]
    assert thought.type == "reasoning"
    said = "".join(event.delta for event in events if event.type == "response.reasoning_summary_text.delta")
    assert said == thought.summary[0].text
    assert final.response.usage is not None
    assert final.response.usage.output_tokens_details.reasoning_tokens > 0


def test_an_answer_cut_at_its_limit_is_incomplete(client: OpenAI, mock: MockLLM) -> None:
    mock.rule(answer="one two three four five six")
    cut = client.responses.create(model="gpt-4o", input="count", max_output_tokens=3)
    assert cut.status == "incomplete"
    assert cut.incomplete_details is not None
    assert cut.incomplete_details.reason == "max_output_tokens"
    assert cut.output_text == "one two three"


async def test_the_async_client_streams_the_same(mock: MockLLM) -> None:
    async with AsyncOpenAI(base_url=mock.openai_base_url, api_key="k", max_retries=0) as client:
        stream = await client.responses.create(model="gpt-4o", input="hello", stream=True)
        events = [event async for event in stream]
        final = events[-1]
        assert final.type == "response.completed"
        assert (await client.responses.retrieve(final.response.id)).output_text == final.response.output_text
