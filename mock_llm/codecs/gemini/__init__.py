"""Gemini: generateContent and streamGenerateContent, by events and as a JSON array; counting tokens."""

from __future__ import annotations

from collections.abc import Iterator

from mock_llm.codecs import _gemini
from mock_llm.codecs.gemini.count import count_tokens
from mock_llm.codecs.gemini.parse import NAME, parse
from mock_llm.codecs.gemini.render import render, stream
from mock_llm.codecs.protocol import ApiError, Call, Frame, Headers, Hints, Reply, Route
from mock_llm.completion import Completion, Request

__all__ = ["CODEC", "Gemini"]


class Gemini:
    """The codec; each part lies in a module of its own."""

    name = NAME
    routes: tuple[Route, ...] = (
        *_gemini.routes("generateContent"),
        *_gemini.routes("streamGenerateContent"),
        *_gemini.routes("countTokens", count_tokens),
    )
    hints = Hints(
        tool_id_prefix="fc_",
        too_long="The input token count ({asked}) exceeds the maximum number of tokens allowed ({limit}).",
    )

    def parse(self, call: Call) -> Request:
        return parse(call)

    def render(self, completion: Completion, request: Request, call: Call) -> Reply:
        return render(completion, request, call)

    def stream(self, completion: Completion, request: Request, call: Call) -> Iterator[Frame]:
        return stream(completion, request, call)

    def stream_headers(self, request: Request, call: Call) -> Headers:
        return _gemini.headers(sse=_gemini.as_events(call))

    def error(self, error: ApiError, call: Call) -> Reply:
        return _gemini.error_reply(error, call)

    def error_frame(self, error: ApiError, call: Call, sent: int) -> Frame:
        return _gemini.error_frame(error, call)


CODEC = Gemini()
