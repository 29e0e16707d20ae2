"""OpenAI Chat Completions: create, and the stored completions behind it."""

from __future__ import annotations

from collections.abc import Iterator

from mock_llm.codecs import _openai
from mock_llm.codecs.openai_chat import stored
from mock_llm.codecs.openai_chat.parse import parse
from mock_llm.codecs.openai_chat.render import render
from mock_llm.codecs.openai_chat.stream import stream
from mock_llm.codecs.protocol import ApiError, Call, Frame, Headers, Hints, Reply, Route
from mock_llm.completion import Completion, Request

__all__ = ["CODEC", "OpenAIChat"]


class OpenAIChat:
    """The codec; each part lies in a module of its own."""

    name = "openai-chat"
    routes: tuple[Route, ...] = _openai.routes(Route("POST", "/v1/chat/completions"), *stored.ROUTES)
    hints = Hints(done=b"data: [DONE]\n\n")

    def parse(self, call: Call) -> Request:
        return parse(call)

    def render(self, completion: Completion, request: Request, call: Call) -> Reply:
        return render(completion, request, call)

    def stream(self, completion: Completion, request: Request, call: Call) -> Iterator[Frame]:
        return stream(completion, request, call)

    def stream_headers(self, request: Request, call: Call) -> Headers:
        return _openai.stream_headers(call)

    def error(self, error: ApiError, call: Call) -> Reply:
        return _openai.error_reply(error, call)

    def error_frame(self, error: ApiError, call: Call, sent: int) -> Frame:
        return _openai.error_frame(error, call)


CODEC = OpenAIChat()
