"""What all of Gemini's endpoints share: paths, errors, headers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from mock_llm.codecs.protocol import ApiError, Call, Frame, Headers, Reply, Route
from mock_llm.models import exists

VERSIONS = ("v1beta", "v1", "v1alpha")
VERTEX = tuple(
    f"{place}/publishers/{{publisher}}/models"
    for place in ("/v1beta1", *(f"/{v}/projects/{{project}}/locations/{{location}}" for v in ("v1beta1", "v1")))
)
"""Where Vertex AI has models; without a project for API keys."""
KNOWN: Mapping[str, int] = {
    "gemini-3.5-pro": 1_048_576,
    "gemini-3.5-flash": 1_048_576,
    "gemini-2.5-pro": 1_048_576,
    "gemini-2.5-flash": 1_048_576,
    "gemini-2.5-flash-lite": 1_048_576,
    "gemini-2.0-flash": 1_048_576,
    "gemini-embedding-001": 2_048,
    "text-embedding-004": 2_048,
}
"""Models with their context in tokens, where the settings name none."""
_TASKS = {
    "generateContent": False,
    "streamGenerateContent": False,
    "embedContent": True,
    "batchEmbedContents": True,
    "predict": True,
}
"""Methods that only models of embeddings have (or have not)."""
_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    408: "DEADLINE_EXCEEDED",
    409: "ABORTED",
    413: "INVALID_ARGUMENT",
    422: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_MESSAGES = {
    403: "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or "
    "other form of API consumer identity to call this API.",
    404: "Requested entity was not found.",
    429: "Resource has been exhausted (e.g. check quota).",
    503: "The model is overloaded. Please try again later.",
    504: "Deadline expired before operation could complete.",
}
_JSON = (b"content-type", b"application/json; charset=UTF-8")
_SSE = (b"content-type", b"text/event-stream")


def routes(method: str, answer: Callable[[Call], Reply] | None = None) -> tuple[Route, ...]:
    """POST routes of a model's method, as the Gemini API and as Vertex AI have them."""
    own = [f"/{version}/models" for version in VERSIONS]
    return tuple(Route("POST", f"{place}/{{model}}:{method}", answer) for place in (*own, *VERTEX))


def snake(name: str) -> str:
    """`topK` as `top_k`."""
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()


def invalid(message: str, where: str = "") -> ApiError:
    """The 400 of a request that breaks a rule of the API."""
    return ApiError(400, message, param=where or None)


def model_of(call: Call, method: str) -> str:
    """The model that the path names. Raises ApiError (404) for one that is not served, or known not to do this."""
    model = call.params["model"]
    unfit = model in KNOWN and _TASKS.get(method, "embedding" in model) != ("embedding" in model)
    if unfit or not exists(model, call.settings):
        raise unknown_model(model, method)
    return model


def unknown_model(model: str, method: str) -> ApiError:
    """The 404 of a model that is not there, or not for this."""
    return ApiError(
        404,
        f"models/{model} is not found for API version v1beta, or is not supported for {method}. Call ListModels to see "
        "the list of available models and their supported methods.",
    )


def headers(*, sse: bool = False) -> Headers:
    """The headers of every answer."""
    return (
        _SSE if sse else _JSON,
        (b"vary", b"Origin, X-Origin, Referer"),
        (b"server", b"scaffolding on HTTPServer2"),
        (b"x-xss-protection", b"0"),
        (b"x-frame-options", b"SAMEORIGIN"),
        (b"x-content-type-options", b"nosniff"),
    )


def reply(body: Mapping[str, Any]) -> Reply:
    """A whole answer."""
    return Reply(200, orjson.dumps(body), headers())


def as_events(call: Call) -> bool:
    """Whether a streamed answer comes as server-sent events (`alt=sse`), or as one JSON array."""
    return call.query.get("alt", [""])[-1] == "sse"


def streams(call: Call) -> bool:
    """Whether the method is the one that streams."""
    return call.path.endswith(":streamGenerateContent")


def error_body(error: ApiError) -> dict[str, Any]:
    """google.rpc.Status, with what helps a client: when to try again, which field was wrong."""
    code = 403 if error.kind == "authentication" and not error.message else error.status
    message = error.message or _MESSAGES.get(code, "Internal error encountered.")
    if error.code == "invalid_json":
        message = "Invalid JSON payload received. Unexpected end of string."
    found: dict[str, Any] = {"code": code, "message": message, "status": _STATUS.get(code, "INTERNAL")}
    kind = "type.googleapis.com/google.rpc."
    if error.retry_after is not None:
        found["details"] = [{"@type": f"{kind}RetryInfo", "retryDelay": f"{error.retry_after:g}s"}]
    elif error.param and error.code != "context_length_exceeded":
        violation = {"field": snake(error.param), "description": message}
        found["details"] = [{"@type": f"{kind}BadRequest", "fieldViolations": [violation]}]
    return {"error": found}


def error_reply(error: ApiError, call: Call) -> Reply:
    """A whole answer that is an error; the JSON array of a stream holds it as its one element."""
    body = error_body(error)
    data: Any = [body] if streams(call) and not as_events(call) else body
    return Reply(body["error"]["code"], orjson.dumps(data), headers())


def error_frame(error: ApiError, call: Call) -> Frame:
    """An error in the middle of a stream."""
    data = orjson.dumps(error_body(error))
    return Frame(b"data: " + data + b"\r\n\r\n" if as_events(call) else data + b"]", "error")
