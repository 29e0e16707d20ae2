"""OpenAI Responses: create, what is kept of it, and the conversations that it continues."""

from __future__ import annotations

from collections.abc import Iterator

import orjson

from mock_llm.codecs import _openai
from mock_llm.codecs.openai_responses import stored
from mock_llm.codecs.openai_responses.events import frames
from mock_llm.codecs.openai_responses.items import ident
from mock_llm.codecs.openai_responses.parse import parse
from mock_llm.codecs.openai_responses.render import made, render
from mock_llm.codecs.protocol import ApiError, Call, Frame, Headers, Hints, Reply, Route
from mock_llm.completion import Completion, Request

__all__ = ["CODEC", "OpenAIResponses"]


class OpenAIResponses:
    """The codec; each part lies in a module of its own."""

    name = "openai-responses"
    routes: tuple[Route, ...] = _openai.routes(Route("POST", "/v1/responses"), *stored.ROUTES)
    hints = Hints(
        too_long="Your input exceeds the context window of this model. Please adjust your input and try again.",
        prompt="input",
        blocks=True,
        answer_id=lambda call: ident(call, "resp_"),
    )

    def parse(self, call: Call) -> Request:
        return parse(call)

    def render(self, completion: Completion, request: Request, call: Call) -> Reply:
        return render(completion, request, call)

    def stream(self, completion: Completion, request: Request, call: Call) -> Iterator[Frame]:
        body = made(completion, request, call)
        options = request.raw.get("stream_options") or {}
        shown = options.get("include_obfuscation") is not False
        return frames(body, call.seed, call.settings.chunk_tokens, obfuscate=shown)

    def stream_headers(self, request: Request, call: Call) -> Headers:
        return _openai.stream_headers(call)

    def error(self, error: ApiError, call: Call) -> Reply:
        return _openai.error_reply(error, call)

    def error_frame(self, error: ApiError, call: Call, sent: int) -> Frame:
        """`event: error` with the error in it: the official client raises APIError on it."""
        data = {"type": "error", "sequence_number": sent, "error": _openai.error_body(error)}
        return Frame(b"event: error\ndata: " + orjson.dumps(data) + b"\n\n", "error")


CODEC = OpenAIResponses()
