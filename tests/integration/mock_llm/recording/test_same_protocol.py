"""Recording one mock through another with the official clients, and replaying to the same protocol."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anthropic
import httpx
import openai
import pytest
import yaml

from mock_llm import MockLLM, Recorder, Replay

TOOL: Any = {
    "type": "function",
    "function": {
        "name": "search",
        "description": "Search the web",
        "parameters": {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]},
    },
}
CLAUDE_TOOL: Any = {
    "name": "search",
    "description": "Search the web",
    "input_schema": TOOL["function"]["parameters"],
}
SCRIPT: Any = [
    {"when": {"tool_result": True}, "answer": "Water bears — naïve 🦔 survive\u2028vacuum.\n\nThey do."},
    {"when": {"tool": "search"}, "answer": {"tool_calls": [{"name": "search", "arguments": {"query": "tärdigrades"}}]}},
    {"answer": "Hello there.\n  Indented, with a trailing blank \n"},
]


@pytest.fixture
def upstream() -> Iterator[MockLLM]:
    with MockLLM(SCRIPT, seed=3) as mock:
        yield mock


def _chat(mock: MockLLM, send: Callable[[httpx.Request], None] | None = None) -> list[Any]:
    """A conversation with a tool, then a stream; returns all that the client saw."""
    seen: list[Any] = []
    with openai.OpenAI(base_url=mock.openai_base_url, api_key="sk-a-key-of-mine", max_retries=0) as client:
        messages: list[Any] = [{"role": "user", "content": "Find tardigrades"}]
        first = client.chat.completions.create(model="gpt-4o", messages=messages, tools=[TOOL])
        seen.append(first.model_dump())
        message = first.choices[0].message
        messages.append(message.model_dump(exclude_none=True))
        assert message.tool_calls
        messages.append({"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "hardy"})
        stream = client.chat.completions.create(model="gpt-4o", messages=messages, tools=[TOOL], stream=True)
        seen.extend(chunk.model_dump() for chunk in stream)
        seen.append(client.embeddings.create(model="text-embedding-3-small", input="x", dimensions=3).model_dump())
        seen.append([model.id for model in client.models.list()])
        response = client.responses.create(model="gpt-4o", input="Hello", stream=True)
        seen.extend(event.model_dump() for event in response)
    return seen


def _claude(mock: MockLLM) -> list[Any]:
    with anthropic.Anthropic(base_url=mock.anthropic_base_url, api_key="a-key-of-mine", max_retries=0) as client:
        asked: dict[str, Any] = {"model": "claude-test", "max_tokens": 100, "tools": [CLAUDE_TOOL]}
        messages: list[Any] = [{"role": "user", "content": "Find tardigrades"}]
        first = client.messages.create(messages=messages, **asked)
        use = first.content[0]
        assert use.type == "tool_use"
        messages.append({"role": "assistant", "content": first.model_dump()["content"]})
        messages.append(
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": use.id, "content": "hardy"}]}
        )
        with client.messages.stream(messages=messages, **asked) as stream:
            events = [event.model_dump() for event in stream]
            final = stream.get_final_message().model_dump()
    return [first.model_dump(), events, final]


@pytest.mark.parametrize("talk", [_chat, _claude])
def test_the_client_sees_the_same_from_upstream_recorder_and_replay(
    upstream: MockLLM, tmp_path: Path, talk: Callable[[MockLLM], list[Any]]
) -> None:
    file = tmp_path / "talk.yaml"
    with MockLLM(upstream=upstream.url, record=file) as recorder:
        recorded = talk(recorder)
        assert [call.status for call in recorder.calls] == [200] * len(recorder.calls)
        recorder.assert_called(tool="search")
    upstream.reset()
    upstream.script(SCRIPT)
    with MockLLM(replay=file) as replay:
        assert talk(replay) == recorded
        replay.assert_called(tool="search")
        replay.assert_all_rules_used()
    assert talk(upstream) == recorded


BODY: Any = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hello"}], "stream": True}


def _raw(mock: MockLLM, body: Any = BODY, **headers: str) -> tuple[int, list[bytes], dict[str, str]]:
    with httpx.stream("POST", mock.openai_base_url + "/chat/completions", json=body, headers=headers) as response:
        return response.status_code, list(response.iter_raw()), dict(response.headers)


def test_chunks_and_headers_are_those_recorded(upstream: MockLLM, tmp_path: Path) -> None:
    upstream.pacing("constant", ttft=0.05, inter_token=0.01)
    with MockLLM(upstream=upstream.url, record=tmp_path / "r.yaml") as recorder:
        _, chunks, headers = _raw(recorder)
    response = yaml.safe_load((tmp_path / "r.yaml").read_text())["exchanges"][0]["response"]
    frames = [frame["text"].encode() for frame in response["frames"]]
    assert len(frames) > 5 and b"".join(frames) == b"".join(chunks)
    transport_frames: list[bytes] = []
    with MockLLM(replay=tmp_path / "r.yaml", virtual_time=True) as replay:
        client = httpx.Client(transport=replay.transport())
        with client.stream("POST", replay.openai_base_url + "/chat/completions", json=BODY) as answer:
            transport_frames.extend(answer.iter_raw())
    assert transport_frames == frames
    assert {k: v for k, v in headers.items() if k != "date"}.items() >= {
        k: v for k, v in response["headers"].items() if v != "[redacted]"
    }.items()
    assert "x-request-id" in response["headers"]


@pytest.mark.parametrize(("speed", "factor"), [(1.0, 1.0), (2.0, 0.5), (0.0, 0.0)])
def test_times_are_exact_by_the_virtual_clock(upstream: MockLLM, tmp_path: Path, speed: float, factor: float) -> None:
    upstream.pacing("constant", ttft=0.05, inter_token=0.01)
    with MockLLM(upstream=upstream.url, record=tmp_path / "r.yaml") as recorder:
        _raw(recorder)
        _raw(recorder, {**BODY, "stream": False})
    one, two = yaml.safe_load((tmp_path / "r.yaml").read_text())["exchanges"]
    times = [frame["at"] for frame in one["response"]["frames"]]
    assert times == sorted(times) and times[-1] > times[0] >= 50
    with MockLLM(replay=Replay.read(tmp_path / "r.yaml", speed=speed), virtual_time=True) as replay:
        before = replay.now()
        _raw(replay)
        _raw(replay, {**BODY, "stream": False})
        first, second = (call.entry for call in replay.calls)
        assert first.first_byte_s == pytest.approx(times[0] / 1000 * factor)
        assert first.duration_s == pytest.approx(times[-1] / 1000 * factor)
        assert second.duration_s == pytest.approx(two["response"]["at"] / 1000 * factor)
        assert replay.now() - before == pytest.approx(
            first.duration_s + second.duration_s, abs=1e-5
        )  # epoch seconds are coarse


def test_equal_requests_get_their_answers_in_recorded_order_in_each_session(tmp_path: Path) -> None:
    with MockLLM() as upstream:
        upstream.rule(answers=["one", {"error": {"status": 429, "retry_after": 2}}, "three"], then="end")
        with MockLLM(upstream=upstream.url, record=tmp_path / "r.yaml") as recorder:
            recorded = [_raw(recorder) for _ in range(3)]
    assert [status for status, _, _ in recorded] == [200, 429, 200]
    with MockLLM(replay=tmp_path / "r.yaml") as replay:
        for session in (replay, replay.session("other")):
            replayed = [_raw(session) for _ in range(3)]  # type: ignore[arg-type]
            assert [b"".join(chunks) for _, chunks, _ in replayed] == [b"".join(chunks) for _, chunks, _ in recorded]
            assert [status for status, _, _ in replayed] == [200, 429, 200]
            assert replayed[1][2]["retry-after"] == "2"


def test_a_recorded_session_is_replayed_to_the_session_of_that_name(tmp_path: Path) -> None:
    with MockLLM() as upstream:
        upstream.rule(answers=["of a", "of b"])
        with MockLLM(upstream=upstream.url, record=tmp_path / "r.yaml") as recorder:
            for name in ("a", "b"):
                _raw(recorder.session(name), {**BODY, "stream": False})  # type: ignore[arg-type]
    with MockLLM(replay=tmp_path / "r.yaml") as replay:
        for name in ("b", "a"):
            _, chunks, _ = _raw(replay.session(name), {**BODY, "stream": False})  # type: ignore[arg-type]
            assert f"of {name}".encode() in b"".join(chunks)


def test_a_connection_that_broke_breaks_again(tmp_path: Path) -> None:
    with MockLLM([{"answer": "A long enough answer to be cut"}]) as upstream:
        upstream.faults([{"kind": "cut", "frame": 2}])
        recorder = MockLLM(upstream=upstream.url, record=tmp_path / "r.yaml")
        with recorder, pytest.raises(httpx.RemoteProtocolError):
            _raw(recorder)
    with MockLLM(replay=tmp_path / "r.yaml") as replay:
        with pytest.raises(httpx.RemoteProtocolError):
            _raw(replay)
        assert replay.calls[0].ended == "cut"


def test_rules_come_before_the_recording_and_faults_strike_it(upstream: MockLLM, tmp_path: Path) -> None:
    with MockLLM(upstream=upstream.url, record=tmp_path / "r.yaml") as recorder:
        _raw(recorder, {**BODY, "stream": False})
    with MockLLM([{"when": "ping", "answer": "pong"}], replay=tmp_path / "r.yaml") as replay:
        replay.faults([{"kind": "status", "status": 503, "ordinals": [2]}])
        ping = {**BODY, "messages": [{"role": "user", "content": "ping"}], "stream": False}
        assert b"pong" in b"".join(_raw(replay, ping)[1])
        assert _raw(replay, {**BODY, "stream": False})[0] == 503
        assert _raw(replay, {**BODY, "stream": False})[0] == 200  # the fault did not use it up


def test_an_upstream_that_cannot_be_reached_is_a_502_and_not_recorded(tmp_path: Path) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no route")

    recorder = Recorder("http://nowhere.invalid", tmp_path / "r.yaml", transport=httpx.MockTransport(refuse))
    with MockLLM(record=recorder) as mock:
        status, chunks, _ = _raw(mock)
    assert status == 502 and b"no route" in b"".join(chunks)
    assert recorder.count == 0


@pytest.mark.parametrize(
    ("upstream", "path", "url"),
    [
        ("https://a.example", "/v1/models", "https://a.example/v1/models"),
        ("https://a.example/v1/", "/v1/models", "https://a.example/v1/models"),
        ("https://a.example/proxy", "/v1/models", "https://a.example/proxy/v1/models"),
    ],
)
def test_an_upstream_may_be_given_with_or_without_its_path(upstream: str, path: str, url: str, tmp_path: Path) -> None:
    assert Recorder(upstream, tmp_path / "r.yaml").url(path, b"") == url
