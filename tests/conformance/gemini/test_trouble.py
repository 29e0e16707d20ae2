"""What the official client makes of errors, of what is wrong with a stream, and of a stream without events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from google import genai
from google.genai import errors, types

from mock_llm import MockLLM

MODEL = "gemini-3.5-flash"
Connect = Callable[[MockLLM], genai.Client]


def get_weather(city: str) -> str:
    """The weather of a city.

    Args:
        city: The city's name.
    """
    return f"Rain in {city}."


def manual(**more: Any) -> types.GenerateContentConfig:
    off = types.AutomaticFunctionCallingConfig(disable=True)
    return types.GenerateContentConfig(automatic_function_calling=off, **more)


def test_errors(connect: Connect) -> None:
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
