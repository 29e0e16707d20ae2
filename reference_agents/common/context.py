"""W3C trace context and baggage: taken from each request, sent on with each call."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass

_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")


@dataclass(frozen=True)
class Trace:
    """The trace that the present work belongs to."""

    trace_id: str
    baggage: str = ""
    span_id: str = ""  # the span that is open here, or the caller's

    def headers(self) -> dict[str, str]:
        """What goes with an outgoing call: the same trace, with the present span as its parent."""
        sent = {"traceparent": f"00-{self.trace_id}-{self.span_id or secrets.token_hex(8)}-01"}
        if self.baggage:
            sent["baggage"] = self.baggage
        return sent


def fresh() -> Trace:
    """A trace that begins here."""
    return Trace(secrets.token_hex(16))


def of_headers(headers: Mapping[str, str]) -> Trace:
    """The caller's trace, or a new one where the caller sent none that is valid."""
    match = _TRACEPARENT.fullmatch(headers.get("traceparent", ""))
    baggage = headers.get("baggage", "")[:4096]
    return Trace(match[1], baggage, match[2]) if match else Trace(secrets.token_hex(16), baggage)


CURRENT: ContextVar[Trace] = ContextVar("trace")


def current() -> Trace:
    """The trace of the present task; a new one outside of any."""
    found = CURRENT.get(None)
    return found if found is not None else fresh()
