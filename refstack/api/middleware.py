"""Takes the caller's trace context and bounds what may be sent."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from refstack.common import problem
from refstack.common.context import CURRENT, of_headers

BODY_LIMIT = 1 << 20


class RequestContext:
    """ASGI middleware: sets the current trace; refuses bodies over 1 MiB with 413."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        CURRENT.set(of_headers(headers))
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
