"""The codec of Anthropic's endpoints that generate nothing."""

from __future__ import annotations

from collections.abc import Iterable

from mock_llm.codecs import _anthropic
from mock_llm.codecs.protocol import ApiError, Call, Frame, Headers, Hints, Reply, Route
from mock_llm.completion import Completion, Request


class PlainAnthropic:
    """Every route has an `answer` of its own; only errors are left to say."""

    hints = Hints()

    def __init__(self, name: str, routes: tuple[Route, ...]) -> None:
        self.name = name
        self.routes = routes

    def parse(self, call: Call) -> Request:
        raise _anthropic.invalid(f"{call.path} generates nothing")

    def render(self, completion: Completion, request: Request, call: Call) -> Reply:
        raise _anthropic.invalid(f"{call.path} generates nothing")

    def stream(self, completion: Completion, request: Request, call: Call) -> Iterable[Frame]:
        raise _anthropic.invalid(f"{call.path} generates nothing")

    def stream_headers(self, request: Request, call: Call) -> Headers:
        return _anthropic.stream_headers(call)

    def error(self, error: ApiError, call: Call) -> Reply:
        return _anthropic.error_reply(error, call)

    def error_frame(self, error: ApiError, call: Call, sent: int) -> Frame:
        return _anthropic.error_frame(error, call)
