"""The codec of Gemini's endpoints that generate nothing."""

from __future__ import annotations

from collections.abc import Iterable

from mock_llm.codecs import _gemini
from mock_llm.codecs.protocol import ApiError, Call, Frame, Headers, Hints, Reply, Route
from mock_llm.completion import Completion, Request


class PlainGemini:
    """Every route has an `answer` of its own; only errors are left to say."""

    hints = Hints()

    def __init__(self, name: str, routes: tuple[Route, ...]) -> None:
        self.name = name
        self.routes = routes

    def parse(self, call: Call) -> Request:
        raise _gemini.invalid(f"{call.path} generates nothing")

    def render(self, completion: Completion, request: Request, call: Call) -> Reply:
        raise _gemini.invalid(f"{call.path} generates nothing")

    def stream(self, completion: Completion, request: Request, call: Call) -> Iterable[Frame]:
        raise _gemini.invalid(f"{call.path} generates nothing")

    def stream_headers(self, request: Request, call: Call) -> Headers:
        return _gemini.headers()

    def error(self, error: ApiError, call: Call) -> Reply:
        return _gemini.error_reply(error, call)

    def error_frame(self, error: ApiError, call: Call, sent: int) -> Frame:
        return _gemini.error_frame(error, call)
