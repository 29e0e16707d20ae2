"""Ollama: /api/chat and /api/generate, whole and as lines of JSON."""

from __future__ import annotations

from collections.abc import Iterator

from mock_llm.codecs import _ollama
from mock_llm.codecs.ollama.parse import GENERATE, NAME, parse
from mock_llm.codecs.ollama.render import render, stream
from mock_llm.codecs.protocol import ApiError, Call, Frame, Headers, Hints, Reply, Route
from mock_llm.completion import Completion, Request

__all__ = ["CODEC", "Ollama"]


class Ollama:
    """The codec; each part lies in a module of its own."""

    name = NAME
    routes: tuple[Route, ...] = (Route("POST", "/api/chat"), Route("POST", GENERATE))
    hints = Hints(media_type=b"application/x-ndjson", too_long="the input length exceeds the context length")

    def parse(self, call: Call) -> Request | Reply:
        return parse(call)

    def render(self, completion: Completion, request: Request, call: Call) -> Reply:
        return render(completion, request, call)

    def stream(self, completion: Completion, request: Request, call: Call) -> Iterator[Frame]:
        return stream(completion, request, call)

    def stream_headers(self, request: Request, call: Call) -> Headers:
        return _ollama.LINES

    def error(self, error: ApiError, call: Call) -> Reply:
        return _ollama.error_reply(error, call)

    def error_frame(self, error: ApiError, call: Call, sent: int) -> Frame:
        return _ollama.error_frame(error, call)


CODEC = Ollama()
