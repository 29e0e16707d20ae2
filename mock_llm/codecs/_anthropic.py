"""What all of Anthropic's endpoints share: the error body and the headers on every answer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson

from mock_llm.codecs.protocol import ApiError, Call, Frame, Headers, Reply

_TYPES = {
    "invalid_request": "invalid_request_error",
    "authentication": "authentication_error",
    "permission": "permission_error",
    "not_found": "not_found_error",
    "conflict": "invalid_request_error",
    "too_large": "request_too_large",
    "rate_limit": "rate_limit_error",
    "server_error": "api_error",
    "overloaded": "overloaded_error",
    "timeout": "timeout_error",
}
_MESSAGES = {
    401: "invalid x-api-key",
    403: "Your API key does not have permission to use the specified resource.",
    404: "Not found",
    413: "Request exceeds the maximum size",
    429: "This request would exceed your account's rate limit. Please try again later.",
    500: "Internal server error",
    503: "Overloaded",
    504: "Request timed out",
    529: "Overloaded",
}


def request_id(call: Call) -> str:
    """The id of the request, as the header and error bodies carry it."""
    return call.id("req_01", length=22)


def moment(seconds: float) -> str:
    """Epoch seconds as Anthropic writes times."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def headers(call: Call, prompt_tokens: int = 0) -> Headers:
    """The headers of an answer: request id and rate limits, all from the ordinal."""
    reset = moment(call.created + 60).encode()
    return (
        (b"content-type", b"application/json"),
        (b"request-id", request_id(call).encode()),
        (b"anthropic-organization-id", b"00000000-0000-4000-8000-000000000000"),
        (b"anthropic-ratelimit-requests-limit", b"4000"),
        (b"anthropic-ratelimit-requests-remaining", b"%d" % max(0, 4000 - call.ordinal)),
        (b"anthropic-ratelimit-requests-reset", reset),
        (b"anthropic-ratelimit-tokens-limit", b"400000"),
        (b"anthropic-ratelimit-tokens-remaining", b"%d" % max(0, 400_000 - prompt_tokens)),
        (b"anthropic-ratelimit-tokens-reset", reset),
    )


def stream_headers(call: Call) -> Headers:
    """The same for a stream of server-sent events."""
    sse = ((b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-cache"))
    return sse + headers(call)[1:]


def error_body(error: ApiError, call: Call) -> dict[str, Any]:
    """The whole body of an error."""
    kind = "rate_limit_error" if error.status == 429 else _TYPES.get(error.kind, error.kind)
    message = error.message or _MESSAGES.get(error.status, "Internal server error")
    shown: dict[str, Any] = {"type": kind, "message": message}
    if error.details is not None:
        shown["details"] = dict(error.details)
    return {"type": "error", "error": shown, "request_id": request_id(call)}


def error_reply(error: ApiError, call: Call) -> Reply:
    """A whole answer that is an error."""
    return Reply(error.status, orjson.dumps(error_body(error, call)), headers(call))


def event(name: str, data: dict[str, Any], kind: str, tokens: int = 0) -> Frame:
    """One server-sent event; its type stands in the event's name and in the data."""
    return Frame(b"event: " + name.encode() + b"\ndata: " + orjson.dumps(data) + b"\n\n", kind, tokens)


def error_frame(error: ApiError, call: Call) -> Frame:
    """`event: error` in the middle of a stream."""
    return event("error", error_body(error, call), "error")


def invalid(message: str) -> ApiError:
    """The 400 of a request that breaks a rule of the API."""
    return ApiError(400, message)
