"""The recorder between client and upstream: nothing held back, nothing lost, nothing added."""

from __future__ import annotations

import asyncio
import gzip
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from mock_llm import MockLLM, Recorder

BODY: Any = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hello"}], "stream": True}


class _Chunks(httpx.AsyncByteStream):
    """Sends the second chunk only when the client has shown that it has the first."""

    def __init__(self, seen: threading.Event, after: threading.Event) -> None:
        self._seen, self._after = seen, after

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"data: one\n\n"
        await asyncio.to_thread(self._seen.wait, 30)
        yield b"data: two\n\n"
        self._after.set()


def _recorder(handler: Any, file: Path, upstream: str = "http://upstream.invalid") -> MockLLM:
    return MockLLM(record=Recorder(upstream, file, transport=httpx.MockTransport(handler)))


def _written(file: Path) -> list[Any]:
    exchanges: list[Any] = yaml.safe_load(file.read_text())["exchanges"] or []
    return exchanges


def test_the_client_has_each_chunk_before_the_next_one_exists(tmp_path: Path) -> None:
    seen, after = threading.Event(), threading.Event()

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"content-type": "text/event-stream"}, stream=_Chunks(seen, after))

    with _recorder(answer, tmp_path / "r") as mock:
        url = mock.openai_base_url + "/chat/completions"
        with httpx.stream("POST", url, json=BODY, timeout=20) as response:
            chunks = response.iter_raw()
            assert next(chunks) == b"data: one\n\n"
            assert not after.is_set()
            seen.set()
            assert list(chunks) == [b"data: two\n\n"]
    (one,) = _written(tmp_path / "r")
    assert [frame["text"] for frame in one["response"]["frames"]] == ["data: one\n\n", "data: two\n\n"]


def test_a_client_that_leaves_does_not_end_the_recording(tmp_path: Path) -> None:
    seen, after = threading.Event(), threading.Event()

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"content-type": "text/event-stream"}, stream=_Chunks(seen, after))

    with _recorder(answer, tmp_path / "r") as mock:
        with httpx.stream("POST", mock.openai_base_url + "/chat/completions", json=BODY, timeout=20) as response:
            next(response.iter_raw())
        seen.set()
        assert after.wait(20)
        assert len(mock.calls) == 1  # waits for the end
    (one,) = _written(tmp_path / "r")
    assert len(one["response"]["frames"]) == 2


def test_path_query_body_and_headers_go_on_as_they_came(tmp_path: Path) -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(201, headers={"x-some": "thing", "server": "theirs"}, json={"ok": True})

    with _recorder(answer, tmp_path / "r", "https://api.example/v1") as mock:
        got = httpx.put(
            mock.session("a b").openai_base_url + "/files/a%2Fb%20c?x=1&x=2",
            content=b"\x00\xff",
            headers={"authorization": "Bearer secret-of-mine", "x-mock-session": "no", "x-own": "1"},
        )
    assert (got.status_code, got.json(), got.headers["x-some"]) == (201, {"ok": True}, "thing")
    assert "server" not in got.headers
    (request,) = asked
    assert str(request.url) == "https://api.example/v1/files/a%2Fb%20c?x=1&x=2"
    assert request.content == b"\x00\xff"
    assert request.headers["authorization"] == "Bearer secret-of-mine"
    assert request.headers["x-own"] == "1" and request.headers["host"] == "api.example"
    assert "x-mock-session" not in request.headers
    (one,) = _written(tmp_path / "r")
    assert one["session"] == "a b" and one["request"]["base64"] == "AP8="
    with MockLLM(replay=tmp_path / "r") as replay:
        again = httpx.put(replay.session("a b").openai_base_url + "/files/a%2Fb%20c?x=1&x=2", content=b"\x00\xff")
        assert (again.status_code, again.content) == (201, got.content)


def test_a_packed_answer_is_unpacked_so_that_people_can_read_it(tmp_path: Path) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.headers["accept-encoding"] == "identity"
        headers = {"content-encoding": "gzip", "content-type": "application/json"}
        return httpx.Response(200, headers=headers, content=gzip.compress(b'{"data":[]}'))

    with _recorder(answer, tmp_path / "r") as mock:
        got = httpx.get(mock.openai_base_url + "/models")
    assert got.json() == {"data": []} and "content-encoding" not in got.headers
    (one,) = _written(tmp_path / "r")
    assert one["response"]["json"] == {"data": []}


def test_a_form_finds_its_answer_whatever_its_boundary(tmp_path: Path) -> None:
    def upload(mock: MockLLM, content: bytes = b"line\n") -> httpx.Response:
        url = mock.openai_base_url + "/files"
        return httpx.post(url, files={"file": ("a.jsonl", content)}, data={"purpose": "batch"})

    with _recorder(lambda _: httpx.Response(200, json={"id": "file-1"}), tmp_path / "r") as mock:
        upload(mock)
    with MockLLM(replay=tmp_path / "r") as replay:
        assert upload(replay).json() == {"id": "file-1"}
        assert upload(replay, b"other\n").status_code == 400


def test_what_the_codec_would_refuse_is_recorded_by_its_body(tmp_path: Path) -> None:
    odd = {"model": "gpt-4o", "messages": "not a list"}
    with _recorder(lambda _: httpx.Response(200, json={"fine": 1}), tmp_path / "r") as mock:
        httpx.post(mock.openai_base_url + "/chat/completions", json=odd)
    with MockLLM(replay=tmp_path / "r") as replay:
        assert httpx.post(replay.openai_base_url + "/chat/completions", json=odd).json() == {"fine": 1}


def test_bad_combinations_say_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="`record` needs `upstream`"):
        MockLLM(record=tmp_path / "r")
    with pytest.raises(ValueError, match="`upstream` needs `record`"):
        MockLLM(upstream="http://u.invalid")
    with pytest.raises(ValueError, match="record without a virtual clock"):
        MockLLM(upstream="http://u.invalid", record=tmp_path / "r", virtual_time=True)
    with pytest.raises(ValueError, match="leave `script` and `replay` out"):
        MockLLM([], upstream="http://u.invalid", record=tmp_path / "r")
    assert not (tmp_path / "r").exists()
