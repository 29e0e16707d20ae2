"""What each fault does to a client, over a socket where the connection matters, else in virtual time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest

from mock_llm import MockLLM

TOOL = {
    "type": "function",
    "function": {
        "name": "look_up",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
            "required": ["city", "days"],
        },
    },
}


@pytest.fixture
def mock() -> Iterator[MockLLM]:
    with MockLLM(seed=3, virtual_time=True) as made:
        yield made


def _post(mock: MockLLM, *, timeout: float | None = 60, **more: Any) -> httpx.Response:
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hello"}], **more}
    with httpx.Client(transport=mock.transport(), base_url="http://mock", timeout=timeout) as client:
        return client.post("/v1/chat/completions", json=body)


def _over_socket(mock: MockLLM, **more: Any) -> bytes:
    """The bytes that arrived before the connection ended, which must raise."""
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hello"}], **more}
    got = b""
    with httpx.stream("POST", mock.openai_base_url + "/chat/completions", json=body, timeout=10) as response:
        try:
            for piece in response.iter_raw():
                got += piece
        except (httpx.RemoteProtocolError, httpx.ReadError):
            return got
    pytest.fail("the answer came whole")


def _events(response: httpx.Response) -> list[str]:
    return [line[6:] for line in response.text.split("\n\n") if line.startswith("data: ")]


def _spoken(events: list[str]) -> str:
    chunks = [json.loads(event) for event in events if event != "[DONE]"]
    return "".join(c["delta"].get("content") or "" for chunk in chunks for c in chunk["choices"])


def test_a_rate_limit_refuses_when_empty_says_how_long_and_refills(mock: MockLLM) -> None:
    mock.faults([{"kind": "rate_limit", "requests": 2, "per_s": 60}])
    assert [_post(mock).status_code for _ in range(3)] == [200, 200, 429]
    refused = _post(mock)
    assert refused.headers["retry-after"] == "30"
    assert refused.json()["error"]["code"] == "rate_limit_exceeded"
    mock.clock.advance(29)
    assert _post(mock).status_code == 429
    mock.clock.advance(1)
    assert [_post(mock).status_code for _ in range(2)] == [200, 429]


def test_a_token_limit_counts_the_prompt(mock: MockLLM) -> None:
    mock.faults([{"kind": "rate_limit", "tokens": 50, "per_s": 60}])
    long = [{"role": "user", "content": "word " * 40}]
    assert _post(mock, messages=long).status_code == 200
    assert _post(mock, messages=long).status_code == 429
    assert _post(mock).status_code == 200  # a short one still fits


@pytest.mark.parametrize(
    ("form", "header"), [("seconds", "retry-after"), ("date", "retry-after"), ("ms", "retry-after-ms")]
)
def test_retry_after_is_told_in_three_forms(mock: MockLLM, form: str, header: str) -> None:
    mock.faults([{"kind": "status", "status": 503, "retry_after": 7, "retry_after_as": form}])
    value = _post(mock).headers[header]
    seconds = {"seconds": lambda: float(value), "ms": lambda: float(value) / 1000}.get(
        form, lambda: parsedate_to_datetime(value).timestamp() - mock.now()
    )()
    assert seconds == 7


def test_an_outage_ends_and_comes_back(mock: MockLLM) -> None:
    mock.faults([{"kind": "outage", "seconds": 10, "every_s": 100}])
    seen = []
    for _ in range(12):
        seen.append(_post(mock).status_code)
        mock.clock.advance(10)
    assert seen == [503, *[200] * 9, 503, 200]


def test_a_stall_is_a_read_timeout_and_a_pause_is_not(mock: MockLLM) -> None:
    mock.faults([{"kind": "stall", "frame": 2, "first": 1}, {"kind": "stall", "frame": 2, "seconds": 20, "after": 1}])
    with pytest.raises(httpx.ReadTimeout):
        _post(mock, stream=True, timeout=30)
    before = mock.now()
    assert _events(_post(mock, stream=True, timeout=30))[-1] == "[DONE]"
    assert mock.now() - before == pytest.approx(20)


def test_a_drip_sends_the_same_bytes_slowly(mock: MockLLM) -> None:
    plain = _post(mock, stream=True).content
    mock.reset()
    mock.faults([{"kind": "drip", "seconds": 2, "bytes": 100}])
    before = mock.now()
    assert len(_post(mock, stream=True).content) == len(plain)
    assert mock.now() - before >= 2 * (len(plain) // 100 - 1)


@pytest.mark.parametrize("how", ["fin", "rst"])
@pytest.mark.parametrize("byte", [1, 40, 333])
def test_a_cut_leaves_exactly_so_many_bytes(byte: int, how: str) -> None:
    with MockLLM() as mock:
        mock.faults([{"kind": "cut", "byte": byte, "how": how}])
        got = _over_socket(mock, stream=True)
        assert len(got) == byte if how == "fin" else len(got) <= byte  # a reset may overtake what was sent
        assert mock.calls[0].ended == "cut"


def test_a_cut_inside_a_tool_call_leaves_half_of_its_json() -> None:
    with MockLLM() as mock:
        mock.set_response(tool="look_up", arguments={"city": "Oslo", "days": 3})
        mock.faults([{"kind": "cut", "inside": "tool"}])
        got = _over_socket(mock, stream=True, tools=[TOOL])
        assert b"look_up" in got
        assert not got.endswith(b"\n\n")
        assert b"[DONE]" not in got


@pytest.mark.parametrize("stream", [True, False])
def test_a_cut_inside_a_character_leaves_half_of_it(stream: bool) -> None:
    with MockLLM() as mock:
        mock.set_response("Smørrebrød")
        mock.faults([{"kind": "cut", "inside": "utf8"}])
        with pytest.raises(UnicodeDecodeError):
            _over_socket(mock, stream=stream).decode()


@pytest.mark.parametrize(("what", "gone"), [("done", "[DONE]"), ("finish", '"finish_reason":"stop"')])
def test_missing_ends_leave_an_orderly_stream(mock: MockLLM, what: str, gone: str) -> None:
    assert gone in _post(mock, stream=True).text
    mock.faults([{"kind": "missing", "what": what}])
    assert gone not in _post(mock, stream=True).text


def test_a_malformed_chunk_is_one_bad_event_among_good_ones(mock: MockLLM) -> None:
    mock.faults([{"kind": "malformed", "frame": 2}])
    events = _events(_post(mock, stream=True))
    bad = []
    for index, event in enumerate(events[:-1]):
        try:
            json.loads(event)
        except ValueError:
            bad.append(index)
    assert bad == [2]
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        _post(mock, stream=False).json()


def test_frames_twice_and_out_of_order(mock: MockLLM) -> None:
    mock.set_response("one two three four five six seven")
    plain = _spoken(_events(_post(mock, stream=True)))
    mock.faults([{"kind": "duplicate", "frame": 0}])
    assert _spoken(_events(_post(mock, stream=True))).count("one") == 2
    mock.faults([{"kind": "reorder", "shuffle": True}])
    mixed = _spoken(_events(_post(mock, stream=True)))
    assert mixed != plain
    assert sorted(mixed) == sorted(plain)


def test_errors_that_do_not_look_like_errors(mock: MockLLM) -> None:
    mock.faults([{"kind": "error_body", "error": 503, "first": 1}, {"kind": "error_event", "frame": 2, "after": 1}])
    first = _post(mock)
    assert (first.status_code, "error" in first.json()) == (200, True)
    events = _events(_post(mock, stream=True))
    assert len(events) == 3
    assert "error" in json.loads(events[-1])


def test_empty_choices_and_a_wrong_content_type(mock: MockLLM) -> None:
    mock.faults([{"kind": "empty_choices"}, {"kind": "content_type", "value": "text/html"}])
    answer = _post(mock)
    assert answer.json()["choices"] == []
    assert answer.headers["content-type"] == "text/html"
    streamed = _post(mock, stream=True)
    assert _spoken(_events(streamed)) == ""
    assert streamed.headers["content-type"] == "text/html"


def _calls(answer: httpx.Response) -> list[tuple[str, str]]:
    calls = answer.json()["choices"][0]["message"].get("tool_calls") or []
    return [(call["function"]["name"], call["function"]["arguments"]) for call in calls]


def test_semantic_faults_of_calls(mock: MockLLM) -> None:
    mock.set_response(tool="look_up", arguments={"city": "Oslo", "days": 3})

    def struck(**fault: Any) -> list[tuple[str, str]]:
        mock.faults([fault])
        return _calls(_post(mock, tools=[TOOL]))

    assert struck(kind="tool_name")[0][0] == "lookUp"
    assert struck(kind="tool_name", tool="rm")[0][0] == "rm"
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        json.loads(struck(kind="tool_arguments", how="not_json")[0][1])
    assert json.loads(struck(kind="tool_arguments", how="missing")[0][1]) == {"days": 3}
    assert json.loads(struck(kind="tool_arguments", how="wrong_type")[0][1]) == {"city": 12345, "days": 3}
    assert "x_unexpected" in json.loads(struck(kind="tool_arguments", how="extra")[0][1])
    assert struck(kind="tool_arguments", how="empty")[0][1] == ""
    one, two = struck(kind="contradictory_calls")
    assert (one[0], json.loads(two[1])) == (two[0], {"city": "not Oslo", "days": 3})


def test_a_tool_loop_never_ends(mock: MockLLM) -> None:
    mock.faults([{"kind": "tool_loop"}])
    messages: list[Any] = [{"role": "user", "content": "weather?"}]
    asked = set()
    for _ in range(6):
        message = _post(mock, messages=messages, tools=[TOOL]).json()["choices"][0]["message"]
        (call,) = message["tool_calls"]
        asked.add((call["function"]["name"], call["function"]["arguments"]))
        messages += [message, {"role": "tool", "tool_call_id": call["id"], "content": "sunny"}]
    assert len(asked) == 1


def test_answers_counts_sizes_and_reasons_that_are_wrong(mock: MockLLM) -> None:
    mock.set_response("fine")
    mock.faults([{"kind": "repeat_answer"}])
    turns = [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "said"},
        {"role": "user", "content": "b"},
    ]
    assert _post(mock, messages=turns).json()["choices"][0]["message"]["content"] == "said"
    mock.faults([])
    usual = _post(mock).json()["usage"]["total_tokens"]
    mock.faults([{"kind": "usage_spike", "factor": 100, "reasoning": 7}])
    assert _post(mock).json()["usage"]["total_tokens"] == usual * 100 + 7
    mock.faults([{"kind": "context_overflow", "tokens": 30}])
    assert _post(mock).status_code == 200
    over = _post(mock, messages=[{"role": "user", "content": "word " * 60}])
    assert (over.status_code, over.json()["error"]["code"]) == (400, "context_length_exceeded")
    mock.faults([{"kind": "finish_reason", "reason": "length"}])
    assert _post(mock).json()["choices"][0]["finish_reason"] == "length"


def test_the_retry_gets_the_answer_that_a_fault_kept_back(mock: MockLLM) -> None:
    mock.rule(text="hello", answers=["first", "second"])
    mock.faults([{"kind": "status", "status": 500, "first": 1}])
    assert _post(mock).status_code == 500
    assert [_post(mock).json()["choices"][0]["message"]["content"] for _ in range(2)] == ["first", "second"]
