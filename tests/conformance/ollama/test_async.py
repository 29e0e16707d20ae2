"""The official async client: the same answers, and many at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import ollama
import pytest
import pytest_asyncio
from pydantic import BaseModel

from mock_llm import MockLLM

ASKED = [{"role": "user", "content": "When is the tide?"}]


def get_weather(city: str) -> str:
    """The weather of a city."""
    return f"Rain in {city}."


@pytest_asyncio.fixture
async def calling(llm: MockLLM) -> AsyncIterator[ollama.AsyncClient]:
    async with ollama.AsyncClient(host=llm.base_url) as made:
        yield made


@pytest.mark.asyncio
async def test_chat_and_generate_whole_and_in_pieces(llm: MockLLM, calling: ollama.AsyncClient) -> None:
    llm.set_response("Twice a day.")
    assert (await calling.chat("m", ASKED)).message.content == "Twice a day."
    parts = [part async for part in await calling.chat("m", ASKED, stream=True)]
    assert "".join(part.message.content or "" for part in parts) == "Twice a day."
    assert parts[-1].done and not parts[0].done
    assert (await calling.generate("m", "When?")).response == "Twice a day."
    pieces = [piece.response async for piece in await calling.generate("m", "When?", stream=True)]
    assert "".join(piece or "" for piece in pieces) == "Twice a day."


@pytest.mark.asyncio
async def test_a_loop_with_a_tool(calling: ollama.AsyncClient) -> None:
    messages: list[Any] = [{"role": "user", "content": "What is the weather in Paris?"}]
    message = (await calling.chat("qwen3", messages, tools=[get_weather])).message
    assert message.tool_calls
    [call] = message.tool_calls
    said = get_weather(**call.function.arguments)
    messages += [message, {"role": "tool", "tool_name": call.function.name, "content": said}]
    answer = (await calling.chat("qwen3", messages, tools=[get_weather])).message
    assert not answer.tool_calls and said in (answer.content or "")


@pytest.mark.asyncio
async def test_structured_output_thinking_embeddings_and_models(llm: MockLLM, calling: ollama.AsyncClient) -> None:
    class City(BaseModel):
        name: str
        people: int

    answer = await calling.chat("m", ASKED, format=City.model_json_schema())
    City.model_validate_json(answer.message.content or "")
    llm.script([{"answer": {"blocks": [{"thinking": "The moon."}, {"text": "Twice."}]}}])
    assert (await calling.chat("qwen3", ASKED, think="high")).message.thinking == "The moon."
    found = (await calling.embed("nomic-embed-text", ["tide", "ebb"])).embeddings
    assert [len(vector) for vector in found] == [768, 768]
    assert [model.model for model in (await calling.ps()).models] == [
        "nomic-embed-text:latest",
        "qwen3:latest",
        "m:latest",
    ]
    assert (await calling.list()).models
    assert (await calling.show("qwen3")).capabilities


@pytest.mark.asyncio
async def test_errors_before_and_in_mid_stream(llm: MockLLM, calling: ollama.AsyncClient) -> None:
    with pytest.raises(ollama.ResponseError, match="does not support chat") as refused:
        await calling.chat("nomic-embed-text", ASKED)
    assert refused.value.status_code == 400
    llm.faults([{"kind": "error_event", "frame": 2, "status": 500}])
    with pytest.raises(ollama.ResponseError, match="unexpected EOF"):
        async for _ in await calling.chat("m", ASKED, stream=True):
            pass


@pytest.mark.asyncio
async def test_many_at_once_each_have_their_own_answer(llm: MockLLM, calling: ollama.AsyncClient) -> None:
    llm.script([{"answer": "You said {{ user }}."}])

    async def ask(word: str) -> str:
        parts = await calling.chat("m", [{"role": "user", "content": word}], stream=True)
        return "".join([part.message.content or "" async for part in parts])

    words = [f"word{index}" for index in range(20)]
    said = await asyncio.gather(*map(ask, words))
    assert said == [f"You said {word}." for word in words]
