"""What faults do to Gemini's streams, by events and as a JSON array."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import orjson
import pytest

from mock_llm import MockLLM

TEXT = "High water comes twice a day, as the moon goes round."
TOOLS = [
    {
        "functionDeclarations": [
            {
                "name": "get_weather",
                "parameters": {
                    "type": "OBJECT",
                    "properties": {"city": {"type": "STRING"}},
                    "required": ["city"],
                },
            }
        ]
    }
]
CALL = {"tool_calls": [{"name": "get_weather", "arguments": {"city": "Rome"}}]}


@pytest.fixture
def mock() -> Iterator[MockLLM]:
    with MockLLM(seed=3, virtual_time=True) as made:
        made.set_response(TEXT)
        yield made


def ask(mock: MockLLM, *, array: bool = False, **more: Any) -> tuple[bytes, bool]:
    """The bytes that arrive, and whether the answer came to its orderly end."""
    url = f"{mock.base_url}/v1beta/models/gemini-3.5-flash:streamGenerateContent"
    body = {"contents": [{"parts": [{"text": "When is the tide?"}]}], **more}
    found = b""
    try:
        with httpx.stream("POST", url, params={} if array else {"alt": "sse"}, json=body, timeout=30) as answer:
            for data in answer.iter_raw():
                found += data
    except httpx.TransportError:
        return found, False
    return found, True


def events(data: bytes) -> list[bytes]:
    return [event.removeprefix(b"data: ") for event in data.split(b"\r\n\r\n") if event]


def said(parts: list[dict[str, Any]]) -> str:
    contents = [one.get("content", {}) for part in parts for one in part.get("candidates", ())]
    return "".join(piece.get("text", "") for content in contents for piece in content.get("parts", ()))


def reasons(parts: list[dict[str, Any]]) -> list[str]:
    return [one["finishReason"] for part in parts for one in part["candidates"] if "finishReason" in one]


def test_a_cut_at_a_frame_leaves_whole_events_and_no_reason(mock: MockLLM) -> None:
    mock.faults([{"kind": "cut", "frame": 3}])
    data, ended = ask(mock)
    parts = [orjson.loads(event) for event in events(data)]
    assert not ended and len(parts) == 3
    assert TEXT.startswith(said(parts)) and said(parts) and not reasons(parts)


def test_a_cut_inside_a_call_falls_into_its_event(mock: MockLLM) -> None:
    mock.script([{"answer": CALL}])
    mock.faults([{"kind": "cut", "inside": "tool"}])
    data, ended = ask(mock, tools=TOOLS)
    assert not ended
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(events(data)[-1])


def test_a_malformed_event_is_one_event_still(mock: MockLLM) -> None:
    mock.faults([{"kind": "malformed", "frame": 1}])
    data, ended = ask(mock)
    first, broken, *rest = events(data)
    assert ended
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(broken)
    assert reasons([orjson.loads(event) for event in (first, *rest)]) == ["STOP"]


@pytest.mark.parametrize("array", [False, True])
def test_an_error_is_the_last_event_or_the_last_element(mock: MockLLM, *, array: bool) -> None:
    mock.faults([{"kind": "error_event", "frame": 3, "status": 503}])
    data, ended = ask(mock, array=array)
    parts = orjson.loads(data) if array else [orjson.loads(event) for event in events(data)]
    assert ended
    assert (parts[-1]["error"]["code"], parts[-1]["error"]["status"]) == (503, "UNAVAILABLE")
    assert said(parts[:-1]) and not reasons(parts[:-1])


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "duplicate", "frame": 0, "copies": 3},
        {"kind": "reorder", "shuffle": True},
        {"kind": "empty_choices"},
        {"kind": "usage_spike", "factor": 10},
    ],
)
def test_the_array_stays_an_array(mock: MockLLM, fault: dict[str, Any]) -> None:
    with MockLLM(seed=3, virtual_time=True) as other:  # its first answer is cut up as the mock's first one is
        other.set_response(TEXT)
        usual = orjson.loads(ask(other, array=True)[0])
    mock.faults([fault])
    parts = orjson.loads(ask(mock, array=True)[0])
    assert parts != usual
    sizes = {"duplicate": len(usual) + 2, "empty_choices": 0}
    assert len(parts) == sizes.get(fault["kind"], len(usual))
    if fault["kind"] == "reorder":
        assert said(parts) != TEXT and sorted(said(parts)) == sorted(TEXT)


def test_an_array_without_its_end_is_not_closed(mock: MockLLM) -> None:
    mock.faults([{"kind": "missing", "what": "done"}])
    data, ended = ask(mock, array=True)
    assert ended
    assert reasons(orjson.loads(data + b"]")) == ["STOP"]


def test_reasons_that_do_not_fit(mock: MockLLM) -> None:
    def reason(**fault: Any) -> list[str]:
        mock.faults([{"kind": "finish_reason", **fault}])
        return reasons([orjson.loads(event) for event in events(ask(mock)[0])])

    assert reason() == ["UNEXPECTED_TOOL_CALL"]
    assert reason(reason="length") == ["MAX_TOKENS"]
    assert reason(reason="content_filter") == ["SAFETY"]
    mock.faults([{"kind": "missing", "what": "finish"}])
    assert not reasons([orjson.loads(event) for event in events(ask(mock)[0])])


def test_calls_of_tools_that_are_not_there_and_with_wrong_arguments(mock: MockLLM) -> None:
    mock.script([{"answer": CALL}])

    def called(**fault: Any) -> dict[str, Any]:
        mock.faults([fault])
        parts = [orjson.loads(event) for event in events(ask(mock, tools=TOOLS)[0])]
        pieces = [piece for part in parts for piece in part["candidates"][0]["content"]["parts"]]
        [made] = [piece["functionCall"] for piece in pieces if "functionCall" in piece]
        found: dict[str, Any] = made
        return found

    assert called(kind="tool_name")["name"] not in {"get_weather", ""}
    assert called(kind="tool_name", tool="launch")["name"] == "launch"
    assert called(kind="tool_arguments", how="missing")["args"] == {}
    assert not isinstance(called(kind="tool_arguments", how="wrong_type")["args"]["city"], str)


def test_a_prompt_that_is_too_long_is_refused_in_googles_words(mock: MockLLM) -> None:
    mock.faults([{"kind": "context_overflow", "tokens": 1}])
    error = orjson.loads(ask(mock)[0])["error"]
    assert (error["code"], error["status"]) == (400, "INVALID_ARGUMENT")
    assert error["message"].startswith("The input token count (")
    assert "details" not in error
