"""A request as it is recorded, and as it is compared with recorded ones: the same steps for both."""

from __future__ import annotations

import re

from mock_llm.codecs.protocol import ApiError, Call, Codec, Reply, Route
from mock_llm.completion import Request
from mock_llm.recording.neutral import data_of
from mock_llm.recording.redact import Redactor, header, query
from mock_llm.recording.tape import Asked

_KEPT = re.compile(r"content-type|user-agent|idempotency-key|.*-version|.*-beta|authorization|cookie|.*api-key")
_BOUNDARY = re.compile(rb'boundary="?([^";,]+)"?')


def asked_of(call: Call, request: Request | None) -> Asked:
    """The request without secrets: by its neutral form where there is one, else by its body."""
    text = call.query_string.decode("latin-1")
    redactor = Redactor.of(call.headers, text)
    return Asked(
        call.method,
        call.path,
        query(text),
        _headers(call),
        redactor.data(data_of(request)) if request is not None else None,
        b"" if request is not None else redactor.body(_settled(call)),
    )


def generation(codec: Codec, route: Route, call: Call) -> Request | None:
    """What a generating request asks in neutral form; None for other endpoints and for what the codec refuses."""
    if route.answer is not None:
        return None
    try:
        request = codec.parse(call)
    except ApiError:
        return None  # the provider may know better: recorded by its body
    return None if isinstance(request, Reply) else request


def _headers(call: Call) -> dict[str, str]:
    found = {name.decode("latin-1"): value.decode("latin-1") for name, value in call.headers.items()}
    kept = {name: header(name, value) for name, value in found.items() if _KEPT.fullmatch(name)}
    if "content-type" in kept:
        kept["content-type"] = _BOUNDARY.sub(b"boundary=boundary", kept["content-type"].encode()).decode()
    return kept


def _settled(call: Call) -> bytes:
    """The body, with the boundary that clients draw anew for each form replaced by a constant one."""
    boundary = _BOUNDARY.search(call.headers.get(b"content-type", b""))
    return call.body.replace(boundary[1], b"boundary") if boundary else call.body
