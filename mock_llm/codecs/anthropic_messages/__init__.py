"""Anthropic Messages: create, whole and streamed, and counting tokens."""

from __future__ import annotations

from collections.abc import Iterator

import orjson

from mock_llm.codecs import _anthropic
from mock_llm.codecs.anthropic_messages.parse import NAME, parse
from mock_llm.codecs.anthropic_messages.render import render, stream
from mock_llm.codecs.protocol import ApiError, Call, Frame, Headers, Hints, Reply, Route
from mock_llm.completion import Completion, Request, Usage
from mock_llm.tokens import prompt_tokens

__all__ = ["CODEC", "AnthropicMessages"]


def count_tokens(call: Call) -> Reply:
    """POST /v1/messages/count_tokens: as many as `usage.input_tokens` of the same request."""
    request = parse(call, counting=True)
    used = prompt_tokens(request)
    body = orjson.dumps({"input_tokens": used, "context_management": None})
    return Reply(200, body, _anthropic.headers(call), request.model, Usage(used))


class AnthropicMessages:
    """The codec; each part lies in a module of its own."""

    name = NAME
    routes: tuple[Route, ...] = (
        Route("POST", "/v1/messages"),
        Route("POST", "/v1/messages/count_tokens", count_tokens),
    )
    hints = Hints(
        done=b'event: message_stop\ndata: {"type":"message_stop"}\n\n',
        tool_id_prefix="toolu_01",
        too_long="prompt is too long: {asked} tokens > {limit} maximum",
        blocks=True,
    )

    def parse(self, call: Call) -> Request:
        return parse(call)

    def render(self, completion: Completion, request: Request, call: Call) -> Reply:
        return render(completion, request, call)

    def stream(self, completion: Completion, request: Request, call: Call) -> Iterator[Frame]:
        return stream(completion, request, call)

    def stream_headers(self, request: Request, call: Call) -> Headers:
        return _anthropic.stream_headers(call)

    def error(self, error: ApiError, call: Call) -> Reply:
        return _anthropic.error_reply(error, call)

    def error_frame(self, error: ApiError, call: Call, sent: int) -> Frame:
        return _anthropic.error_frame(error, call)


CODEC = AnthropicMessages()
