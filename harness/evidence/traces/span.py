"""A span, and how it is read out of OTLP's JSON as Jaeger and Tempo answer it too."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")
_HEX = re.compile(r"[0-9a-fA-F]+")


@dataclass(frozen=True)
class Span:
    """One span. Times are in nanoseconds since 1970; `parent_id` is empty for the first of a trace."""

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    kind: str
    service: str
    start_ns: int
    end_ns: int
    attributes: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    failed: bool = False

    def texts(self) -> Iterable[str]:
        """All that could hold what nobody should read in a trace."""
        yield self.name
        yield from (str(value) for value in self.attributes.values())


def of_otlp(document: Any) -> list[Span]:
    """The spans of an OTLP JSON document: `resourceSpans` at the top, under `result`, or as `batches` (Tempo).

    Ids may be hex, as OTLP has them, or base64, as protobuf's own JSON has them. Raises ValueError for anything else.
    """
    if isinstance(document, dict) and isinstance(document.get("result"), dict):
        document = document["result"]
    if isinstance(document, dict) and isinstance(document.get("trace"), dict):
        document = document["trace"]
    if not isinstance(document, dict) or not ({"resourceSpans", "batches"} & set(document)):
        raise ValueError("not OTLP: no `resourceSpans`")
    found: list[Span] = []
    try:
        for part in document.get("resourceSpans") or document.get("batches") or ():
            resource = _attributes((part.get("resource") or {}).get("attributes"))
            service = str(resource.get("service.name", ""))
            for scope in part.get("scopeSpans") or part.get("instrumentationLibrarySpans") or ():
                found.extend(_span(row, service) for row in scope.get("spans") or ())
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"not OTLP: {type(error).__name__}: {error}") from None
    return found


def _span(row: Mapping[str, Any], service: str) -> Span:
    attributes = dict(_attributes(row.get("attributes")))
    for event in row.get("events") or ():
        attributes |= {f"event.{key}": value for key, value in _attributes(event.get("attributes")).items()}
    status = (row.get("status") or {}).get("code", 0)
    return Span(
        trace_id=_id(row["traceId"], 16),
        span_id=_id(row["spanId"], 8),
        parent_id=_id(row.get("parentSpanId") or "", 8),
        name=str(row.get("name", "")),
        kind=_kind(row.get("kind", 0)),
        service=service,
        start_ns=int(row.get("startTimeUnixNano", 0)),
        end_ns=int(row.get("endTimeUnixNano", 0)),
        attributes=attributes,
        failed=status in (2, "STATUS_CODE_ERROR"),
    )


def _kind(kind: int | str) -> str:
    if isinstance(kind, str):
        return kind.removeprefix("SPAN_KIND_").lower()
    return KINDS[kind] if 0 <= kind < len(KINDS) else KINDS[0]


def _id(text: str, size: int) -> str:
    if not text or (len(text) == 2 * size and _HEX.fullmatch(text)):
        return text.lower()
    try:
        return base64.b64decode(text, validate=True).hex()
    except (binascii.Error, ValueError):
        raise ValueError(f"not OTLP: {text!r} is no id") from None


def _attributes(rows: Any) -> Mapping[str, str | int | float | bool]:
    return {row["key"]: _value(row.get("value") or {}) for row in rows or ()}


def _value(value: Mapping[str, Any]) -> str | int | float | bool:
    for key, found in value.items():
        if key == "intValue":
            return int(found)
        if key == "doubleValue":
            return float(found)
        if key == "boolValue":
            return bool(found)
        return str(found)
    return ""
