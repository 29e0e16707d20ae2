"""The official client: generate, stream, chats, functions, structured output, thoughts, embeddings, models."""

from __future__ import annotations

import enum
import math
from typing import Any

import pytest
from google import genai
from google.genai import errors, types
from pydantic import BaseModel

from mock_llm import MockLLM

MODEL = "gemini-3.5-flash"


def get_weather(city: str) -> str:
    """The weather of a city.

    Args:
        city: The city's name.
    """
    return f"Rain in {city}."


def manual(**more: Any) -> types.GenerateContentConfig:
    off = types.AutomaticFunctionCallingConfig(disable=True)
    return types.GenerateContentConfig(automatic_function_calling=off, **more)


def test_an_answer(llm: MockLLM, client: genai.Client) -> None:
    llm.set_response("Twice a day.")
    config = types.GenerateContentConfig(system_instruction="Be brief.", temperature=0.2, top_k=3, seed=1)
    answer = client.models.generate_content(model=MODEL, contents="When is the tide?", config=config)
    assert answer.text == "Twice a day."
    assert answer.candidates and answer.candidates[0].finish_reason == types.FinishReason.STOP
    assert answer.model_version == MODEL and answer.response_id
    used = answer.usage_metadata
    assert used and used.prompt_token_count and used.candidates_token_count
    assert used.total_token_count == used.prompt_token_count + used.candidates_token_count
    [call] = llm.calls
    assert (call.protocol, call.model) == ("gemini", MODEL)
    counted = client.models.count_tokens(model=MODEL, contents="When is the tide?")
    assert 0 < (counted.total_tokens or 0) < used.prompt_token_count


def test_an_answer_in_pieces(llm: MockLLM, client: genai.Client) -> None:
    text = "High water comes twice a day, as the moon goes round."
    llm.set_response(text)
    parts = list(client.models.generate_content_stream(model=MODEL, contents="When is the tide?"))
    assert "".join(part.text or "" for part in parts) == text
    assert len(parts) > 4
    reasons = [part.candidates[0].finish_reason for part in parts if part.candidates]
    assert reasons == [None] * (len(parts) - 1) + [types.FinishReason.STOP]
    counts = [part.usage_metadata.candidates_token_count or 0 for part in parts if part.usage_metadata]
    assert counts == sorted(counts)
    assert counts[-1] > counts[0]


def test_a_chat_remembers_its_turns(llm: MockLLM, client: genai.Client) -> None:
    chat = client.chats.create(model=MODEL)
    chat.send_message("My name is Ada.")
    list(chat.send_message_stream("What is my name?"))
    assert len(chat.get_history()) >= 4
    assert "Ada" in (llm.calls[-1].request or b"").decode()


def test_a_function_by_hand(client: genai.Client) -> None:
    function = types.FunctionDeclaration(
        name="get_weather",
        description="The weather of a city.",
        parameters=types.Schema(
            type=types.Type.OBJECT, properties={"city": types.Schema(type=types.Type.STRING)}, required=["city"]
        ),
    )
    config = manual(tools=[types.Tool(function_declarations=[function])])
    asked: list[Any] = [types.UserContent("What is the weather in Paris?")]
    first = client.models.generate_content(model=MODEL, contents=asked, config=config)
    assert first.function_calls and first.candidates
    [call] = first.function_calls
    assert call.name == "get_weather" and call.id
    assert isinstance((call.args or {})["city"], str)
    response = types.FunctionResponse(id=call.id, name="get_weather", response={"result": "Rain in Paris."})
    turns = [*asked, first.candidates[0].content, types.UserContent(types.Part(function_response=response))]
    answer = client.models.generate_content(model=MODEL, contents=turns, config=config)
    assert not answer.function_calls
    assert "Rain in Paris." in (answer.text or "")


def test_functions_called_by_the_client_itself(client: genai.Client) -> None:
    config = types.GenerateContentConfig(tools=[get_weather])
    answer = client.models.generate_content(model=MODEL, contents="What is the weather in Rome?", config=config)
    assert "Rain in" in (answer.text or "")
    assert answer.automatic_function_calling_history
    said = list(client.models.generate_content_stream(model=MODEL, contents="The weather in Rome?", config=config))
    assert "Rain in" in "".join(part.text or "" for part in said)


def test_a_call_can_be_forbidden_and_demanded(client: genai.Client) -> None:
    def config(mode: types.FunctionCallingConfigMode, allowed: list[str] | None = None) -> types.GenerateContentConfig:
        calling = types.FunctionCallingConfig(mode=mode, allowed_function_names=allowed)
        return manual(tools=[get_weather], tool_config=types.ToolConfig(function_calling_config=calling))

    text = "What is the weather in Paris?"
    never = config(types.FunctionCallingConfigMode.NONE)
    assert not client.models.generate_content(model=MODEL, contents=text, config=never).function_calls
    always = config(types.FunctionCallingConfigMode.ANY, ["get_weather"])
    assert client.models.generate_content(model=MODEL, contents="Hello", config=always).function_calls
    with pytest.raises(errors.ClientError, match="not a declared function"):
        client.models.generate_content(
            model=MODEL, contents=text, config=config(types.FunctionCallingConfigMode.ANY, ["nothing"])
        )


def test_structured_output(client: genai.Client) -> None:
    class City(BaseModel):
        name: str
        people: int
        twin: str | None = None

    for schema in ({"response_schema": City}, {"response_json_schema": City.model_json_schema()}):
        config = types.GenerateContentConfig(response_mime_type="application/json", **schema)  # type: ignore[arg-type]
        answer = client.models.generate_content(model=MODEL, contents="A city, please.", config=config)
        City.model_validate_json(answer.text or "")
    several = types.GenerateContentConfig(response_mime_type="application/json", response_schema=list[City])
    parsed = client.models.generate_content(model=MODEL, contents="Cities, please.", config=several).parsed
    assert isinstance(parsed, list)


def test_thoughts_come_only_where_they_are_asked_for(llm: MockLLM, client: genai.Client) -> None:
    llm.script([{"answer": {"blocks": [{"thinking": "The moon goes round."}, {"text": "Twice."}]}}])
    config = types.GenerateContentConfig(thinking_config=types.ThinkingConfig(include_thoughts=True))
    answer = client.models.generate_content(model=MODEL, contents="When?", config=config)
    assert answer.parts and [part.thought for part in answer.parts] == [True, None]
    assert answer.usage_metadata and answer.usage_metadata.thoughts_token_count
    bare = client.models.generate_content(model=MODEL, contents="When?")
    assert bare.parts and [part.text for part in bare.parts] == ["Twice."]


def test_several_candidates_stop_and_length(llm: MockLLM, client: genai.Client) -> None:
    llm.set_response("one two three four five six")
    config = types.GenerateContentConfig(candidate_count=2, max_output_tokens=3)
    answer = client.models.generate_content(model=MODEL, contents="Count.", config=config)
    assert [one.index for one in answer.candidates or ()] == [0, 1]
    assert {one.finish_reason for one in answer.candidates or ()} == {types.FinishReason.MAX_TOKENS}
    stopped = types.GenerateContentConfig(stop_sequences=["three"])
    assert client.models.generate_content(model=MODEL, contents="Count.", config=stopped).text == "one two "


def test_a_refusal_is_a_candidate_without_content(llm: MockLLM, client: genai.Client) -> None:
    llm.set_response(refusal="I will not.")
    answer = client.models.generate_content(model=MODEL, contents="Do harm.")
    assert answer.candidates and answer.candidates[0].finish_reason == types.FinishReason.SAFETY
    assert answer.text is None


def test_a_prompt_that_is_blocked_has_no_candidates(llm: MockLLM, client: genai.Client) -> None:
    llm.script([{"answer": {"text": "", "finish": "content_filter"}}])
    answer = client.models.generate_content(model=MODEL, contents="Do harm.")
    assert not answer.candidates
    assert answer.prompt_feedback and answer.prompt_feedback.block_reason == types.BlockedReason.SAFETY


def test_a_value_of_an_enum(client: genai.Client) -> None:
    class Sea(enum.Enum):
        CALM = "calm"
        ROUGH = "rough"

    config = types.GenerateContentConfig(response_mime_type="text/x.enum", response_schema=Sea)
    answer = client.models.generate_content(model=MODEL, contents="Is the sea rough?", config=config)
    assert (answer.text, answer.parsed) == ("rough", Sea.ROUGH)


def test_a_call_that_comes_back_without_its_signature_is_refused(client: genai.Client) -> None:
    config = manual(tools=[get_weather])
    asked: list[Any] = [types.UserContent("What is the weather in Paris?")]
    first = client.models.generate_content(model=MODEL, contents=asked, config=config)
    assert first.parts and first.parts[0].thought_signature and first.function_calls
    bare = types.ModelContent(types.Part(function_call=first.function_calls[0]))
    response = types.FunctionResponse(name="get_weather", response={"result": "Rain."})
    turns = [*asked, bare, types.UserContent(types.Part(function_response=response))]
    with pytest.raises(errors.ClientError, match="missing a thought_signature") as refused:
        client.models.generate_content(model=MODEL, contents=turns, config=config)
    assert (refused.value.code, refused.value.status) == (400, "INVALID_ARGUMENT")
    assert client.models.generate_content(model="gemini-2.5-flash", contents=turns, config=config).text


def test_similar_texts_have_vectors_that_lie_near(client: genai.Client) -> None:
    texts: list[Any] = ["the cat sat on the mat", "a cat sat on a mat", "quarterly tax report"]
    config = types.EmbedContentConfig(output_dimensionality=256)
    found = client.models.embed_content(model="gemini-embedding-001", contents=texts, config=config)
    one, near, far = (embedding.values or [] for embedding in found.embeddings or ())
    assert len(one) == 256
    assert math.isclose(sum(x * x for x in one), 1, rel_tol=1e-3)

    def alike(a: list[float], b: list[float]) -> float:
        return sum(x * y for x, y in zip(a, b, strict=True))

    assert alike(one, near) > 0.5 > alike(one, far)


def test_models(client: genai.Client) -> None:
    names = [model.name for model in client.models.list(config={"page_size": 3})]
    assert f"models/{MODEL}" in names
    assert len(names) > 3
    model = client.models.get(model=MODEL)
    assert model.input_token_limit and "generateContent" in (model.supported_actions or [])
