"""What all of OpenAI's endpoints share: paths on OpenAI and on Azure, the error body, the headers of an answer."""

from __future__ import annotations

from dataclasses import replace

import orjson

from mock_llm.codecs import _azure
from mock_llm.codecs.protocol import ApiError, Call, Frame, Headers, Reply, Route

_TYPES = {
    "invalid_request": "invalid_request_error",
    "authentication": "invalid_request_error",
    "permission": "invalid_request_error",
    "not_found": "invalid_request_error",
    "conflict": "invalid_request_error",
    "too_large": "invalid_request_error",
    "rate_limit": "requests",
    "server_error": "server_error",
    "overloaded": "server_error",
    "timeout": "server_error",
}
_MESSAGES = {
    401: "You didn't provide an API key. You need to provide your API key in an Authorization header using "
    "Bearer auth (i.e. Authorization: Bearer YOUR_KEY).",
    403: "Country, region, or territory not supported",
    404: "The requested resource was not found.",
    429: "Rate limit reached for requests. Please try again later.",
    500: "The server had an error processing your request. Sorry about that! You can retry your request.",
    502: "Bad gateway.",
    503: "The engine is currently overloaded, please try again later",
    504: "The server timed out while processing your request.",
}
_CODES = {401: "invalid_api_key", 429: "rate_limit_exceeded"}


_ALWAYS: Headers = (
    (b"openai-version", b"2020-10-01"),
    (b"openai-organization", b"org-mock"),
    (b"x-ratelimit-limit-requests", b"10000"),
    (b"x-ratelimit-limit-tokens", b"2000000"),
    (b"x-ratelimit-reset-requests", b"6ms"),
    (b"x-ratelimit-reset-tokens", b"1ms"),
)


# What Azure has under the name of a deployment, which stands for the model.
_DEPLOYED = ("/completions", "/chat/completions", "/embeddings")


def routes(*given: Route) -> tuple[Route, ...]:
    """Routes under /v1, and the same on Azure: `/openai/v1/...`, `/openai/...?api-version=`, and for the
    endpoints of a deployment `/openai/deployments/{deployment}/...`."""
    found: list[Route] = []
    for route in given:
        tail = route.path.removeprefix("/v1")
        found += [route, replace(route, path="/openai/v1" + tail), replace(route, path="/openai" + tail)]
        if tail in _DEPLOYED:
            found.append(replace(route, path="/openai/deployments/{deployment}" + tail))
    return tuple(found)


def headers(call: Call, prompt_tokens: int = 0) -> Headers:
    """The headers of an answer: request id, processing time and rate limits, all from the ordinal."""
    left = max(0, 10_000 - call.ordinal)
    tokens = max(0, 2_000_000 - prompt_tokens)
    ident = call.id("req_", length=32).encode()
    return (
        (b"content-type", b"application/json"),
        (b"x-request-id", ident),
        (b"openai-processing-ms", b"%d" % (80 + ident[-1] + ident[-2])),
        (b"x-ratelimit-remaining-requests", b"%d" % left),
        (b"x-ratelimit-remaining-tokens", b"%d" % tokens),
        *_ALWAYS,
    )


def stream_headers(call: Call, prompt_tokens: int = 0) -> Headers:
    """The same for a stream of server-sent events."""
    sse = ((b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-cache"))
    return sse + headers(call, prompt_tokens)[1:]


def error_body(error: ApiError) -> dict[str, object]:
    """The object under "error"."""
    return {
        "message": error.message or _MESSAGES.get(error.status, "The server had an error."),
        "type": _TYPES.get(error.kind, error.kind),
        "param": error.param,
        "code": error.code or _CODES.get(error.status),
    }


def error_reply(error: ApiError, call: Call) -> Reply:
    """A whole answer that is an error."""
    said = _azure.error_body(error, call) if _azure.asked(call) else None
    return Reply(error.status, orjson.dumps({"error": said or error_body(error)}), headers(call))


def error_frame(error: ApiError, call: Call) -> Frame:
    """`data: {"error": ...}`: the official client raises APIError on it."""
    return Frame(b"data: " + orjson.dumps({"error": error_body(error)}) + b"\n\n", "error")


def invalid(message: str, param: str | None = None, code: str | None = None) -> ApiError:
    """The 400 of a request that breaks a rule of the API."""
    return ApiError(400, message, param=param, code=code)
