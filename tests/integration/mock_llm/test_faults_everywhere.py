"""Every fault in the terms of each protocol, whole and streamed: OpenAI Chat and Responses, Anthropic Messages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from mock_llm import MockLLM
from mock_llm.faults import FAULTS, discover
from tests.integration.mock_llm.dialects import CHAT, DIALECTS, MESSAGES, RESPONSES, Dialect, Json, Said, events

discover()
TEXT = "High water comes twice a day, as the moon goes round; the Smørrebrød does not."
ARGUMENTS = {"city": "Oslo", "days": 3}
everywhere = pytest.mark.parametrize("wire", DIALECTS, ids=repr)
whole_and_streamed = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


@pytest.fixture
def mock() -> Iterator[MockLLM]:
    with MockLLM(seed=3, virtual_time=True) as made:
        made.rule(text="weather", answer={"tool_calls": [{"name": "look_up", "arguments": ARGUMENTS}]})
        made.set_response(TEXT)
        yield made


def post(mock: MockLLM, wire: Dialect, *, timeout: float = 60, path: str = "", **more: Any) -> httpx.Response:
    with httpx.Client(transport=mock.transport(), base_url="http://mock", timeout=timeout) as client:
        return client.post(path or wire.path, json=wire.body(**more))


def said(mock: MockLLM, wire: Dialect, *, stream: bool, **more: Any) -> Said:
    return wire.said(post(mock, wire, stream=stream, **more).content, stream=stream)


def torn(mock: MockLLM, wire: Dialect, **more: Any) -> bytes:
    """What arrives over a socket before the connection ends, which must raise."""
    got = b""
    try:
        with httpx.stream("POST", mock.base_url + wire.path, json=wire.body(**more), timeout=10) as answer:
            for piece in answer.iter_raw():
                got += piece
    except (httpx.RemoteProtocolError, httpx.ReadError):
        return got
    pytest.fail("the answer came whole")


def message(error: Json) -> str:
    """An error's words, wherever the provider puts them."""
    inner: Json = error["error"]
    return str(inner["message"])


@everywhere
@whole_and_streamed
@pytest.mark.parametrize(
    ("status", "openai", "anthropic"),
    [
        (400, "invalid_request_error", "invalid_request_error"),
        (401, "invalid_request_error", "authentication_error"),
        (403, "invalid_request_error", "permission_error"),
        (404, "invalid_request_error", "not_found_error"),
        (413, "invalid_request_error", "request_too_large"),
        (429, "requests", "rate_limit_error"),
        (500, "server_error", "api_error"),
        (503, "server_error", "overloaded_error"),
        (529, "server_error", "overloaded_error"),
    ],
)
def test_a_status_has_the_providers_body(
    mock: MockLLM, wire: Dialect, stream: bool, status: int, openai: str, anthropic: str
) -> None:
    mock.faults([{"kind": "status", "status": status, "message": "No.", "retry_after": 4, "should_retry": True}])
    answer = post(mock, wire, stream=stream)
    body = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json")
    assert (answer.headers["retry-after"], answer.headers["x-should-retry"]) == ("4", "true")
    assert (message(body), body["error"]["type"]) == ("No.", anthropic if wire is MESSAGES else openai)
    if wire is MESSAGES:
        assert body["type"] == "error" and body["request_id"] == answer.headers["request-id"]
    else:
        assert set(body["error"]) == {"message", "type", "param", "code"}


@everywhere
@whole_and_streamed
@pytest.mark.parametrize(
    ("fault", "status"),
    [({"kind": "rate_limit", "requests": 1, "per_s": 60}, 429), ({"kind": "outage", "seconds": 30, "after": 1}, 503)],
)
def test_refusals_pass_with_time(mock: MockLLM, wire: Dialect, stream: bool, fault: Json, status: int) -> None:
    mock.faults([fault])
    assert [post(mock, wire, stream=stream).status_code for _ in range(2)] == [200, status]
    mock.clock.advance(60)
    assert said(mock, wire, stream=stream).text == TEXT


@everywhere
@whole_and_streamed
def test_latency_drip_and_stalls_take_time_and_change_nothing(mock: MockLLM, wire: Dialect, stream: bool) -> None:
    for fault in ({"kind": "latency", "seconds": 9}, {"kind": "drip", "seconds": 1, "bytes": 50}):
        mock.faults([fault])
        before = mock.now()
        assert said(mock, wire, stream=stream).text == TEXT
        assert mock.now() - before >= 8
    mock.faults([{"kind": "stall", "frame": int(stream) * 2}])
    with pytest.raises(httpx.ReadTimeout):
        post(mock, wire, stream=stream, timeout=30)


@everywhere
@whole_and_streamed
@pytest.mark.parametrize("how", ["fin", "rst"])
def test_a_cut_inside_a_call_leaves_arguments_that_are_no_json(
    mock: MockLLM, wire: Dialect, stream: bool, how: str
) -> None:
    mock.faults([{"kind": "cut", "inside": "tool", "how": how}])
    got = torn(mock, wire, stream=stream, text="weather", tools=True)
    if how == "rst" and not got:  # a reset may overtake what was sent
        return
    assert wire.end not in got
    if stream:
        *good, rest = got.split(b"\n\n")
        assert rest  # in the middle of an event
        [(name, arguments)] = wire.streamed(list(events(b"\n\n".join(good)))).calls
    else:
        name, arguments = "look_up", got[-1:].decode()
        assert b"look_up" in got or wire is RESPONSES  # which gives the arguments before the name
    assert name == "look_up"
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(arguments)


@everywhere
@whole_and_streamed
def test_a_cut_inside_a_character_and_at_a_byte(mock: MockLLM, wire: Dialect, stream: bool) -> None:
    mock.faults([{"kind": "cut", "inside": "utf8"}])
    got = torn(mock, wire, stream=stream)
    assert wire.end not in got
    with pytest.raises(UnicodeDecodeError):
        got.decode()
    mock.faults([{"kind": "cut", "byte": 77}])
    assert len(torn(mock, wire, stream=stream)) == 77


@everywhere
def test_a_stream_without_its_terminator_ends_in_order(mock: MockLLM, wire: Dialect) -> None:
    assert wire.end in post(mock, wire, stream=True).content
    mock.faults([{"kind": "missing", "what": "done"}])
    answer = post(mock, wire, stream=True).content
    assert wire.end not in answer
    assert wire.streamed(list(events(answer))).text == TEXT


@everywhere
def test_a_stream_without_its_reason(mock: MockLLM, wire: Dialect) -> None:
    mock.faults([{"kind": "missing", "what": "finish"}])
    answer = post(mock, wire, stream=True).content
    assert wire.end in answer
    told = wire.streamed(list(events(answer))).reason
    assert told == ("completed" if wire is RESPONSES else None)  # there it is part of the terminator
    mock.faults([{"kind": "missing", "what": "usage"}])
    told_usage = said(mock, wire, stream=True).usage
    assert (told_usage is None) is (wire is CHAT)  # elsewhere the counts are part of the end


@everywhere
@pytest.mark.parametrize("frame", range(6))
def test_a_malformed_chunk_is_one_bad_event_among_good_ones_and_no_ping(
    mock: MockLLM, wire: Dialect, frame: int
) -> None:
    mock.faults([{"kind": "malformed", "frame": frame}])
    bad = []
    for block in post(mock, wire, stream=True).content.split(b"\n\n")[:-1]:
        data = block.split(b"data: ", 1)[1]
        try:
            assert data == b"[DONE]" or orjson.loads(data)
        except orjson.JSONDecodeError:
            bad.append(block)
    assert len(bad) == 1
    assert b"ping" not in bad[0]
    with pytest.raises(ValueError, match=r"Expecting|Unterminated|Invalid"):
        post(mock, wire).json()


@everywhere
def test_frames_twice_and_out_of_order(mock: MockLLM, wire: Dialect) -> None:
    mock.faults([{"kind": "duplicate", "frame": 1, "copies": 3}])
    assert len(said(mock, wire, stream=True).text) > len(TEXT)
    mock.faults([{"kind": "reorder", "shuffle": True}])
    mixed = said(mock, wire, stream=True)
    assert mixed.text != TEXT and sorted(mixed.text) == sorted(TEXT)
    assert mixed.reason == wire.reasons["stop"]


@everywhere
@whole_and_streamed
def test_an_error_under_200(mock: MockLLM, wire: Dialect, stream: bool) -> None:
    mock.faults([{"kind": "error_body", "error": 503, "message": "Later."}])
    answer = post(mock, wire, stream=stream)
    assert (answer.status_code, message(answer.json())) == (200, "Later.")


@everywhere
def test_an_error_event_ends_the_stream_in_the_providers_form(mock: MockLLM, wire: Dialect) -> None:
    mock.faults([{"kind": "error_event", "frame": 3, "status": 529, "message": "Too busy."}])
    answer = post(mock, wire, stream=True).content
    *_, last = events(answer)
    assert message(last) == "Too busy."
    assert answer.count(b"\n\n") == 4
    named = answer.rsplit(b"\n\n", 2)[1].startswith(b"event: error\n")
    assert named is (wire is not CHAT)  # whose events have no names
    assert last.get("type") == (None if wire is CHAT else "error")
    assert last.get("sequence_number") == (3 if wire is RESPONSES else None)
    assert said(mock, wire, stream=False).text == TEXT


@everywhere
@whole_and_streamed
@pytest.mark.parametrize("text", ["hello", "weather"])
def test_an_empty_list_of_answers(mock: MockLLM, wire: Dialect, stream: bool, text: str) -> None:
    mock.faults([{"kind": "empty_choices"}])
    answer = post(mock, wire, stream=stream, text=text, tools=True)
    found = wire.said(answer.content, stream=stream)
    assert (answer.status_code, found.text, found.calls) == (200, "", ())
    if not stream:
        assert answer.json()[wire.listed] == []
        return
    assert wire.end in answer.content
    kinds = [event.get("type") for event in events(answer.content)]
    if wire is MESSAGES:
        assert kinds == ["message_start", "message_delta", "message_stop"]
    if wire is RESPONSES:
        assert kinds == ["response.created", "response.in_progress", "response.completed"]


@everywhere
@whole_and_streamed
def test_a_wrong_content_type(mock: MockLLM, wire: Dialect, stream: bool) -> None:
    mock.faults([{"kind": "content_type", "value": "text/html"}])
    answer = post(mock, wire, stream=stream)
    assert answer.headers.get_list("content-type") == ["text/html"]
    assert wire.said(answer.content, stream=stream).text == TEXT


def test_no_fault_is_forgotten_here_or_among_the_meanings() -> None:
    here = Path(__file__)
    both = here.read_text(encoding="utf-8") + (here.parent / "test_meanings_everywhere.py").read_text(encoding="utf-8")
    assert [kind for kind in sorted(FAULTS) if f'"kind": "{kind}"' not in both] == []
