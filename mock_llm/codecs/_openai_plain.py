"""A codec of OpenAI's that generates nothing: plain endpoints with OpenAI's errors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from mock_llm.codecs import _openai
from mock_llm.codecs.protocol import ApiError, Call, Frame, Headers, Hints, Reply, Route
from mock_llm.completion import Completion, Request


@dataclass(frozen=True, slots=True)
class PlainOpenAI:
    """Its routes all have an `answer` of their own, so nothing is ever parsed, rendered or streamed."""

    name: str
    routes: tuple[Route, ...]
    hints: Hints = field(default_factory=Hints)

    def parse(self, call: Call) -> Request:
        raise NotImplementedError(f"{self.name} generates nothing")

    def render(self, completion: Completion, request: Request, call: Call) -> Reply:
        raise NotImplementedError(f"{self.name} generates nothing")

    def stream(self, completion: Completion, request: Request, call: Call) -> Iterator[Frame]:
        raise NotImplementedError(f"{self.name} generates nothing")

    def stream_headers(self, request: Request, call: Call) -> Headers:
        return _openai.stream_headers(call)

    def error(self, error: ApiError, call: Call) -> Reply:
        return _openai.error_reply(error, call)

    def error_frame(self, error: ApiError, call: Call, sent: int) -> Frame:
        return _openai.error_frame(error, call)
