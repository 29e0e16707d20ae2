"""The rules about broken answers and retries on each protocol: who is careless is found, who is right is not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anthropic
import httpx
import httpx2  # Anthropic's client lets its errors through
import openai
import pytest

from mock_llm import MockLLM
from tests.integration.mock_llm.dialects import CHAT, DIALECTS, MESSAGES, RESPONSES, Dialect, Json, events

TEXT = "High water comes twice a day, as the moon goes round the earth and the earth round itself."
HALF = TEXT[:20]
BROKEN = [
    ({"kind": "cut", "frame": 8}, "truncated_stream_accepted"),
    ({"kind": "malformed", "frame": 6}, "malformed_chunk_swallowed"),
]
everywhere = pytest.mark.parametrize("wire", DIALECTS, ids=repr)
either = pytest.mark.parametrize(("fault", "rule"), BROKEN, ids=["cut", "malformed"])
ASK: Json = {"role": "user", "content": "When is high water?"}
NEXT: Json = {"role": "user", "content": "And low water?"}


@pytest.fixture
def mock() -> Iterator[MockLLM]:
    with MockLLM(seed=3, virtual_time=True) as made:
        made.rule(text="water", answer=TEXT)
        yield made


def post(mock: MockLLM, wire: Dialect, turns: Any, *, stream: bool = True, **more: Any) -> bytes:
    """What arrives; an answer that is cut off raises nothing here, as with a careless client."""
    got = b""
    body = {**wire.body(turns, stream=stream), **more}
    try:
        with (
            httpx.Client(transport=mock.transport(), base_url="http://mock", timeout=60) as client,
            client.stream("POST", wire.path, json=body) as answer,
        ):
            for piece in answer.iter_raw():
                got += piece
    except httpx.RemoteProtocolError:
        pass
    return got


def broken(mock: MockLLM) -> set[str]:
    return {finding.rule for finding in mock.verdict(timed=True).findings}


def talked(wire: Dialect, text: str = HALF) -> list[Any]:
    """The conversation of a client that took `text` for the answer, in the words it would use."""
    if wire is RESPONSES:
        part = {"type": "output_text", "text": text, "annotations": []}
        said: Json = {"type": "message", "role": "assistant", "status": "completed", "content": [part], "id": "msg_1"}
        return [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": ASK["content"]}]}, said]
    if wire is MESSAGES:  # cache_control moves to the newest turn
        blocks = [{"type": "text", "text": ASK["content"], "cache_control": {"type": "ephemeral"}}]
        return [{"role": "user", "content": blocks}, {"role": "assistant", "content": [{"type": "text", "text": text}]}]
    return [ASK, {"role": "assistant", "content": text}]


@everywhere
@either
def test_who_goes_on_with_a_broken_answer_is_found(mock: MockLLM, wire: Dialect, fault: Json, rule: str) -> None:
    mock.faults([{**fault, "first": 1}])
    post(mock, wire, [ASK])
    assert broken(mock) == set()
    post(mock, wire, [*talked(wire), NEXT])
    assert broken(mock) == {rule}


@everywhere
@either
def test_who_asks_again_first_is_not(mock: MockLLM, wire: Dialect, fault: Json, rule: str) -> None:
    for other in ({}, {"stream": False}, {"model": "another"}):
        mock.faults([{**fault, "first": 1}])
        post(mock, wire, [ASK])
        post(mock, wire, [ASK], **other)
        post(mock, wire, [*talked(wire, TEXT), NEXT])
        assert broken(mock) == set(), rule


@either
def test_who_asks_another_provider_is_not(mock: MockLLM, fault: Json, rule: str) -> None:
    mock.faults([{**fault, "first": 1}])
    post(mock, CHAT, [{"role": "system", "content": "Be brief."}, ASK])
    post(mock, MESSAGES, [ASK], system="Be brief.")
    post(mock, CHAT, [{"role": "system", "content": "Be brief."}, *talked(CHAT, TEXT), NEXT])
    assert broken(mock) == set(), rule


@everywhere
@either
def test_who_says_that_it_failed_is_not(mock: MockLLM, wire: Dialect, fault: Json, rule: str) -> None:
    mock.faults([{**fault, "first": 1}])
    post(mock, wire, [ASK])
    post(mock, wire, [*talked(wire, "Sorry, I lost the line."), NEXT])
    post(mock, wire, [ASK, NEXT])
    assert broken(mock) == set(), rule


@either
def test_who_asks_anthropic_for_the_rest_is_not(mock: MockLLM, fault: Json, rule: str) -> None:
    mock.faults([{**fault, "first": 1}])
    post(mock, MESSAGES, [ASK])
    post(mock, MESSAGES, talked(MESSAGES))
    assert broken(mock) == set(), rule


@everywhere
def test_an_answer_that_was_cut_after_its_end_is_whole(mock: MockLLM, wire: Dialect) -> None:
    for stream in (True, False):
        mock.faults([{"kind": "cut", "frame": 10_000, "first": 1}])
        got = post(mock, wire, [ASK], stream=stream)
        assert wire.said(got, stream=stream).text == TEXT
        post(mock, wire, [*talked(wire, TEXT), NEXT])
    assert [call.ended for call in mock.calls] == ["cut", "complete"] * 2
    assert broken(mock) == set()


@either
@pytest.mark.parametrize("fetched", [False, True])
def test_who_names_a_broken_response_must_have_fetched_it(mock: MockLLM, fault: Json, rule: str, fetched: bool) -> None:
    mock.faults([{**fault, "first": 1}])
    first = post(mock, RESPONSES, [ASK]).split(b"\n\n", 1)[0]
    [created] = events(first)
    name = created["response"]["id"]
    if fetched:
        with httpx.Client(transport=mock.transport(), base_url="http://mock") as client:
            assert client.get(f"/v1/responses/{name}").json()["output"][0]["content"][0]["text"] == TEXT
    post(mock, RESPONSES, [NEXT], previous_response_id=name)
    assert broken(mock) == (set() if fetched else {rule})


@everywhere
def test_calls_of_a_broken_answer_that_were_carried_out(mock: MockLLM, wire: Dialect) -> None:
    mock.rule(text="weather", answer={"tool_calls": [{"name": "look_up", "arguments": {"city": "Oslo", "days": 1}}]})
    ask = {"role": "user", "content": "weather"}
    mock.faults([{"kind": "cut", "inside": "tool", "first": 1}])
    post(mock, wire, [ask], tools=[wire.tool])
    answers = {
        CHAT: [
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "c", "type": "function", "function": {"name": "look_up", "arguments": "{}"}}],
            },
            {"role": "tool", "tool_call_id": "c", "content": "?"},
        ],
        RESPONSES: [
            {"type": "function_call", "call_id": "c", "name": "look_up", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c", "output": "?"},
        ],
        MESSAGES: [
            {"role": "assistant", "content": [{"type": "tool_use", "id": "c", "name": "look_up", "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c", "content": "?"}]},
        ],
    }
    post(mock, wire, [ask, *answers[wire]], tools=[wire.tool])
    assert broken(mock) == {"truncated_stream_accepted"}


@everywhere
@pytest.mark.parametrize("status", [408, 429, 500, 529])
def test_who_was_told_not_to_retry_or_went_elsewhere_has_not_given_up(
    mock: MockLLM, wire: Dialect, status: int
) -> None:
    mock.faults([{"kind": "status", "status": status, "ordinals": [1]}])
    post(mock, wire, [ASK])
    assert broken(mock) == {"gave_up_on_retryable"}
    post(mock, wire, [ASK], model="another")
    assert broken(mock) == set()
    mock.faults([{"kind": "status", "status": status, "should_retry": False}])
    post(mock, wire, [NEXT])
    assert broken(mock) == set()
    mock.faults([{"kind": "status", "status": 422, "should_retry": True}])
    post(mock, wire, [NEXT, NEXT])
    post(mock, wire, [NEXT, NEXT])
    assert broken(mock) == set()


def _failures(ask: Any, times: int = 5) -> list[str]:
    """The names of the errors that a client raises, '' for an answer."""
    seen = []
    for _ in range(times):
        try:
            assert ask() == TEXT
            seen.append("")
        except (openai.APIError, anthropic.APIError, httpx2.HTTPError, ValueError) as error:
            seen.append(type(error).__name__)
    return seen


FAULTS: list[Json] = [
    {"kind": "status", "status": 529, "retry_after": 0.3, "retry_after_as": "ms", "first": 1},
    {"kind": "cut", "frame": 5, "ordinals": [3]},
    {"kind": "malformed", "frame": 4, "ordinals": [4]},
    {"kind": "error_event", "frame": 4, "ordinals": [5]},
]


def test_anthropics_client_sees_every_break_and_is_resilient() -> None:
    with MockLLM() as mock, anthropic.Anthropic(base_url=mock.anthropic_base_url, api_key="k") as client:
        mock.set_response(TEXT)
        mock.faults(FAULTS)
        asked: Json = {"model": "claude-sonnet-5-5", "max_tokens": 99}

        def ask() -> str:
            with client.messages.stream(**asked, messages=[ASK]) as stream:
                return stream.get_final_text()

        seen = _failures(ask)
        assert (seen[0], seen[4]) == ("", "") and all(seen[1:4])
        client.messages.create(**asked, messages=[*talked(MESSAGES, TEXT), NEXT])
        mock.assert_resilient()


@pytest.mark.parametrize("wire", [CHAT, RESPONSES], ids=repr)
def test_openais_client_sees_every_break_and_is_resilient(wire: Dialect) -> None:
    with MockLLM() as mock, openai.OpenAI(base_url=mock.openai_base_url, api_key="k") as client:
        mock.set_response(TEXT)
        mock.faults(FAULTS)

        def chat() -> str:
            chunks = client.chat.completions.create(model="gpt-4o", messages=[ASK], stream=True)  # type: ignore[call-overload]
            return "".join(c.delta.content or "" for chunk in chunks for c in chunk.choices)

        def responses() -> str:
            found = client.responses.create(model="gpt-4o", input="When is high water?", stream=True)
            return "".join(event.delta for event in found if event.type == "response.output_text.delta")

        seen = _failures(chat if wire is CHAT else responses)
        assert (seen[0], seen[4]) == ("", "") and all(seen[1:4])
        post(mock, wire, [*talked(wire, TEXT), NEXT])
        mock.assert_resilient()
