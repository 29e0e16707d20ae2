"""The asynchronous client, and Vertex AI's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx
import pytest
from google import genai
from google.genai import errors, types
from google.oauth2.credentials import Credentials

from mock_llm import MockLLM

MODEL = "gemini-3.5-flash"
Connect = Callable[[MockLLM], genai.Client]


def get_weather(city: str) -> str:
    """The weather of a city.

    Args:
        city: The city's name.
    """
    return f"Rain in {city}."


def test_the_paths_of_vertex(llm: MockLLM) -> None:
    place = f"{llm.base_url}/v1beta1/projects/p/locations/us-central1/publishers/google/models"
    body = {"contents": {"role": "user", "parts": {"text": "Hi"}}}
    assert httpx.post(f"{place}/{MODEL}:generateContent", json=body).json()["candidates"]
    made = httpx.post(f"{place}/text-embedding-004:predict", json={"instances": [{"content": "a cat"}]}).json()
    assert len(made["predictions"][0]["embeddings"]["values"]) == 768


@pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession")
def test_the_async_client(llm: MockLLM, connect: Connect) -> None:
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
def test_the_async_client_calls_functions_embeds_and_fails(llm: MockLLM, connect: Connect) -> None:
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
