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
        raise NotImplementedError(call.path)

    def render(self, completion: Completion, request: Request, call: Call) -> Reply:
        raise NotImplementedError(call.path)

    def stream(self, completion: Completion, request: Request, call: Call) -> Iterable[Frame]:
        raise NotImplementedError(call.path)

    def stream_headers(self, request: Request, call: Call) -> Headers:
        raise NotImplementedError(call.path)

    def error(self, error: ApiError, call: Call) -> Reply:
        return _ollama.error_reply(error, call)

    def error_frame(self, error: ApiError, call: Call) -> Frame:
        return _ollama.error_frame(error, call)
