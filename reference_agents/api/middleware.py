"""Takes the caller's trace context and bounds what may be sent."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reference_agents.common import problem, spans
from reference_agents.common.context import CURRENT, of_headers

BODY_LIMIT = 1 << 20
UNTRACED = frozenset({"/health", "/ready", "/metrics", "/ledger"})  # what only looks; it would be most of all spans


class RequestContext:
    """ASGI middleware: sets the current trace, with a span for the request; refuses bodies over 1 MiB with 413."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        CURRENT.set(of_headers(headers))
        if scope["path"] in UNTRACED:
            await self._bounded(headers, scope, receive, send)
            return
        method = scope["method"]
        with spans.span(method, "server", http__request__method=method) as span:

            async def noted(message: Message) -> None:
                if message["type"] == "http.response.start":
                    span.put(http__response__status_code=message["status"])
                    if message["status"] >= 500:
                        span.failed(str(message["status"]))
                await send(message)

            await self._bounded(headers, scope, receive, noted)
            # The route, never the path: ids of tasks and sessions are in paths.
            route = getattr(scope.get("route"), "path", "")
            if route:
                span.rename(f"{method} {route}")
                span.put(http__route=route)

    async def _bounded(self, headers: dict[str, str], scope: Scope, receive: Receive, send: Send) -> None:
        length = headers.get("content-length", "0")
        if length.isdigit() and int(length) > BODY_LIMIT:
            await problem.response(413, "a request may have 1 MiB at most")(scope, receive, send)
            return
        seen = 0

        async def bounded() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > BODY_LIMIT:
                raise problem.Refused(413, "a request may have 1 MiB at most")
            return message

        await self._app(scope, bounded, send)
