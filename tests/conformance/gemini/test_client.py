"""The official client, sync and async: generate, stream, chats, functions, structured output, embeddings, errors."""

from __future__ import annotations

import asyncio
import enum
import math
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from google import genai
from google.genai import errors, types
from google.oauth2.credentials import Credentials
from pydantic import BaseModel

from mock_llm import MockLLM

MODEL = "gemini-3.5-flash"


def get_weather(city: str) -> str:
    """The weather of a city.

    Args:
        city: The city's name.
    """
    return f"Rain in {city}."


@pytest.fixture
def llm() -> Iterator[MockLLM]:
    with MockLLM(seed=3) as server:
        yield server


def connect(llm: MockLLM) -> genai.Client:
    return genai.Client(api_key="k", vertexai=False, http_options=types.HttpOptions(base_url=llm.base_url))


@pytest.fixture
def client(llm: MockLLM) -> Iterator[genai.Client]:
    with connect(llm) as made:
        yield made


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


def test_errors() -> None:
    with MockLLM(models=[MODEL], require_key=True) as llm, connect(llm) as client:
        with pytest.raises(errors.ClientError) as unknown:
            client.models.generate_content(model="nothing", contents="Hi")
        assert (unknown.value.code, unknown.value.status) == (404, "NOT_FOUND")
        wrong: list[tuple[dict[str, Any], str]] = [
            ({}, "contents is not specified"),
            ({"contents": [{"role": "assistant", "parts": [{"text": "x"}]}]}, "valid role: user, model"),
            ({"contents": [{"parts": []}]}, "parts must not be empty"),
            ({"contents": [{"parts": [{}]}]}, "must have one initialized field"),
            ({"contents": [{"parts": [{"text": "x"}]}], "temperature": 1}, 'Unknown name "temperature"'),
            (
                {"contents": [{"parts": [{"text": "x"}]}], "generationConfig": {"max_tokens": 1}},
                "Unknown name \"max_tokens\" at 'generation_config'",
            ),
            (
                {"contents": [{"parts": [{"functionResponse": {"name": "f", "response": {}}}]}]},
                "immediately after a function call turn",
            ),
            (
                {"contents": [{"parts": [{"text": "x"}]}], "tools": [{"functionDeclarations": [{"name": "no good"}]}]},
                "Invalid function name",
            ),
        ]
        for body, says in wrong:
            answer = httpx.post(f"{llm.base_url}/v1beta/models/{MODEL}:generateContent?key=k", json=body)
            assert (answer.status_code, answer.json()["error"]["status"]) == (400, "INVALID_ARGUMENT"), says
            assert says in answer.json()["error"]["message"]
        nobody = httpx.post(f"{llm.base_url}/v1beta/models/{MODEL}:generateContent", json={})
        assert (nobody.status_code, nobody.json()["error"]["status"]) == (403, "PERMISSION_DENIED")


def test_what_a_model_cannot_do_is_not_found(llm: MockLLM, client: genai.Client) -> None:
    with pytest.raises(errors.ClientError, match="is not supported for generateContent") as speaks:
        client.models.generate_content(model="gemini-embedding-001", contents="Hi")
    with pytest.raises(errors.ClientError, match="is not supported for batchEmbedContents") as embeds:
        client.models.embed_content(model=MODEL, contents="Hi")
    assert (speaks.value.status, embeds.value.status) == ("NOT_FOUND", "NOT_FOUND")
    assert client.models.embed_content(model="of-my-own", contents="Hi").embeddings


def test_pages_of_models_and_broken_bodies(llm: MockLLM) -> None:
    place = f"{llm.base_url}/v1beta/models"
    first = httpx.get(place, params={"page_size": 2}).json()
    second = httpx.get(place, params={"pageSize": 2, "pageToken": first["nextPageToken"]}).json()
    assert len({model["name"] for page in (first, second) for model in page["models"]}) == 4
    assert httpx.get(place, params={"pageToken": "-5"}).json()["error"]["status"] == "INVALID_ARGUMENT"
    broken = httpx.post(f"{place}/{MODEL}:generateContent", content=b'{"contents')
    assert broken.status_code == 400
    assert broken.json()["error"]["message"].startswith("Invalid JSON payload received.")


@pytest.mark.parametrize(("status", "kind"), [(429, errors.ClientError), (503, errors.ServerError)])
def test_what_fails_says_when_to_try_again(llm: MockLLM, client: genai.Client, status: int, kind: Any) -> None:
    llm.faults([{"kind": "status", "status": status, "retry_after": 7, "times": 1}])
    with pytest.raises(kind) as failed:
        client.models.generate_content(model=MODEL, contents="Hi")
    assert failed.value.code == status
    assert failed.value.details["error"]["details"][0]["retryDelay"] == "7s"
    assert client.models.generate_content(model=MODEL, contents="Hi").text


def test_an_error_in_mid_stream_is_raised(llm: MockLLM, client: genai.Client) -> None:
    llm.set_response("one two three four five six seven eight")
    llm.faults([{"kind": "error_event", "frame": 2, "status": 503}])
    with pytest.raises(errors.ServerError, match="overloaded"):
        list(client.models.generate_content_stream(model=MODEL, contents="Count."))


@pytest.mark.parametrize(
    ("fault", "sees"),
    [
        ({"kind": "missing", "what": "finish"}, "no end"),
        ({"kind": "malformed", "frame": 1}, "error"),
        ({"kind": "cut", "frame": 2}, "error"),
        ({"kind": "empty_choices"}, "nothing said"),
        ({"kind": "duplicate"}, "more said"),
    ],
)
def test_what_a_client_sees_of_a_broken_stream(
    llm: MockLLM, client: genai.Client, fault: dict[str, Any], sees: str
) -> None:
    text = "one two three four five six seven eight"
    llm.set_response(text)
    llm.faults([fault])
    try:
        parts = list(client.models.generate_content_stream(model=MODEL, contents="Count."))
    except Exception:  # ValueError, or one of the HTTP library that the client carries with it
        assert sees == "error"
        return
    said = "".join(part.text or "" for part in parts)
    ended = any(part.candidates and part.candidates[0].finish_reason for part in parts)
    seen = {"no end": not ended and said == text, "nothing said": not said, "more said": len(said) > len(text)}
    assert seen[sees]


def test_a_call_that_is_not_json_never_arrives(llm: MockLLM, client: genai.Client) -> None:
    llm.script([{"answer": {"tool_calls": [{"name": "get_weather", "arguments": {"city": "Rome"}}]}}])
    llm.faults([{"kind": "tool_arguments", "how": "not_json"}])
    answer = client.models.generate_content(model=MODEL, contents="Weather?", config=manual(tools=[get_weather]))
    assert not answer.function_calls
    assert answer.candidates and answer.candidates[0].finish_reason == types.FinishReason.MALFORMED_FUNCTION_CALL


def test_a_stream_without_events_is_one_array(llm: MockLLM) -> None:
    llm.set_response("one two three four five six seven eight")
    body = {"contents": [{"parts": [{"text": "Count."}]}], "generation_config": {"top_k": 2}}
    answer = httpx.post(f"{llm.base_url}/v1/models/{MODEL}:streamGenerateContent", json=body)
    assert answer.headers["content-type"] == "application/json; charset=UTF-8"
    parts = answer.json()
    assert len(parts) > 2
    said = "".join(part["candidates"][0]["content"]["parts"][0]["text"] for part in parts)
    assert said == "one two three four five six seven eight"
    refused = httpx.post(f"{llm.base_url}/v1beta/models/{MODEL}:streamGenerateContent", json={})
    assert refused.status_code == 400
    assert refused.json()[0]["error"]["status"] == "INVALID_ARGUMENT"


def test_the_paths_of_vertex(llm: MockLLM) -> None:
    place = f"{llm.base_url}/v1beta1/projects/p/locations/us-central1/publishers/google/models"
    body = {"contents": {"role": "user", "parts": {"text": "Hi"}}}
    assert httpx.post(f"{place}/{MODEL}:generateContent", json=body).json()["candidates"]
    made = httpx.post(f"{place}/text-embedding-004:predict", json={"instances": [{"content": "a cat"}]}).json()
    assert len(made["predictions"][0]["embeddings"]["values"]) == 768


@pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession")
def test_the_async_client(llm: MockLLM) -> None:
    llm.set_response("Twice a day.")

    async def both() -> tuple[str | None, str]:
        with connect(llm) as client:
            async with client.aio as aio:
                whole = await aio.models.generate_content(model=MODEL, contents="When?")
                pieces = await aio.models.generate_content_stream(model=MODEL, contents="When?")
                parts = [part.text or "" async for part in pieces]
        return whole.text, "".join(parts)

    assert asyncio.run(both()) == ("Twice a day.", "Twice a day.")


@pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession")
def test_the_async_client_calls_functions_embeds_and_fails(llm: MockLLM) -> None:
    async def all_of_it() -> None:
        with connect(llm) as client:
            async with client.aio as aio:
                chat = aio.chats.create(model=MODEL, config=types.GenerateContentConfig(tools=[get_weather]))
                assert "Rain in" in ((await chat.send_message("What is the weather in Rome?")).text or "")
                pieces = await chat.send_message_stream("What is the weather in Paris?")
                assert "Rain in" in "".join([piece.text or "" async for piece in pieces])
                found = await aio.models.embed_content(model="gemini-embedding-001", contents="a cat")
                assert found.embeddings and len(found.embeddings[0].values or ()) == 3072
                assert (await aio.models.count_tokens(model=MODEL, contents="a cat")).total_tokens
                assert [model.name async for model in await aio.models.list()]
                llm.faults([{"kind": "status", "status": 429, "times": 2}])
                with pytest.raises(errors.ClientError) as limited:
                    await aio.models.generate_content(model=MODEL, contents="Hi")
                assert (limited.value.code, limited.value.status) == (429, "RESOURCE_EXHAUSTED")
                pieces = await aio.models.generate_content_stream(model=MODEL, contents="Hi")
                with pytest.raises(errors.ClientError):
                    await anext(pieces)

    asyncio.run(all_of_it())


def test_it_tries_again_where_it_is_told_to(llm: MockLLM) -> None:
    retry = types.HttpRetryOptions(attempts=3, initial_delay=0.01, http_status_codes=[429, 503])
    options = types.HttpOptions(base_url=llm.base_url, retry_options=retry)
    llm.faults([{"kind": "status", "status": 503, "first": 2}])
    with genai.Client(api_key="k", vertexai=False, http_options=options) as client:
        assert client.models.generate_content(model=MODEL, contents="Hi").text
    assert [call.status for call in llm.calls] == [503, 503, 200]


@pytest.mark.parametrize("by", ["key", "project"])
def test_the_client_of_vertex(llm: MockLLM, by: str) -> None:
    options = types.HttpOptions(base_url=llm.base_url)
    if by == "key":
        made = genai.Client(vertexai=True, api_key="k", http_options=options)
    else:
        who = Credentials("a token")  # type: ignore[no-untyped-call]
        made = genai.Client(vertexai=True, project="p", location="us-central1", credentials=who, http_options=options)
    with made as client:
        llm.set_response("Twice a day.")
        config = types.GenerateContentConfig(system_instruction="Be brief.", labels={"team": "tides"})
        answer = client.models.generate_content(model=MODEL, contents="When?", config=config)
        pieces = client.models.generate_content_stream(model=MODEL, contents="When?")
        assert (answer.text, "".join(piece.text or "" for piece in pieces)) == ("Twice a day.", "Twice a day.")
        assert client.models.count_tokens(model=MODEL, contents="When?").total_tokens
        found = client.models.embed_content(model="text-embedding-004", contents=["a cat", "a dog"])
        assert [len(one.values or ()) for one in found.embeddings or ()] == [768, 768]
        assert client.models.get(model=MODEL).name == f"publishers/google/models/{MODEL}"
        assert f"publishers/google/models/{MODEL}" in [model.name for model in client.models.list()]
