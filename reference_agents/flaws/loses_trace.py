"""Outgoing calls carry neither traceparent nor baggage: a trace ends at the agent."""

from __future__ import annotations

import httpx

from reference_agents.api.deps import Parts


async def _forget(request: httpx.Request) -> None:
    for name in ("traceparent", "baggage"):
        request.headers.pop(name, None)


def apply(parts: Parts) -> Parts:
    """Strip the headers on the HTTP client's way out."""
    parts.http.event_hooks = {"request": [_forget]}
    return parts
