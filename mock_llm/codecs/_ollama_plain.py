"""The part of a codec that Ollama's plain endpoints share: they generate nothing."""

from __future__ import annotations

from collections.abc import Iterable

from mock_llm.codecs import _ollama
from mock_llm.codecs.protocol import ApiError, Call, Frame, Headers, Hints, Reply, Route
from mock_llm.completion import Completion, Request


class PlainOllama:
    """A codec whose routes all answer by themselves."""

    hints = Hints(media_type=b"application/x-ndjson")

    def __init__(self, name: str, routes: tuple[Route, ...]) -> None:
        self.name, self.routes = name, routes

    def parse(self, call: Call) -> Request:
        raise _ollama.invalid(f"{call.path} generates nothing")

    def render(self, completion: Completion, request: Request, call: Call) -> Reply:
        raise _ollama.invalid(f"{call.path} generates nothing")

    def stream(self, completion: Completion, request: Request, call: Call) -> Iterable[Frame]:
        raise _ollama.invalid(f"{call.path} generates nothing")

    def stream_headers(self, request: Request, call: Call) -> Headers:
        return _ollama.LINES

    def error(self, error: ApiError, call: Call) -> Reply:
        return _ollama.error_reply(error, call)

    def error_frame(self, error: ApiError, call: Call, sent: int) -> Frame:
        return _ollama.error_frame(error, call)
