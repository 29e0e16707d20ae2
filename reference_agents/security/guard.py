"""ASGI middleware: no request passes without a caller who may."""

from __future__ import annotations

import math
from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send

from reference_agents.common import problem
from reference_agents.security.limits import RateLimit
from reference_agents.security.verifier import KeysUnavailable, Refusal, Verifier

# What a kubelet, Prometheus and somebody who wants to know how to call ask for, before they can have a token.
OPEN = frozenset({"/health", "/ready", "/metrics", "/openapi.json", "/.well-known/agent-card.json"})


@dataclass
class Guard:
    """Lets through who proves to be on the list, at the rate allowed; the caller stands in `scope["state"]`.

    `speaks_for_others` are callers that may name another agent than themselves in X-Agent-Id.
    """

    app: ASGIApp
    verifier: Verifier
    limit: RateLimit
    speaks_for_others: frozenset[str] = frozenset()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or scope["path"] in OPEN:
            await self.app(scope, receive, send)
            return
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        try:
            caller = await self.verifier.caller(headers.get(b"authorization"))
            claimed = headers.get(b"x-agent-id", caller)
            if claimed != caller and caller not in self.speaks_for_others:
                raise Refusal(403, "insufficient_scope", f"{caller!r} may not speak for {claimed!r}")
            wait = self.limit.wait_s(caller)
        except Refusal as error:
            challenge = f'Bearer error="{error.code}"' if error.code else "Bearer"
            await _answer(scope, receive, send, error.status, error.detail, {"WWW-Authenticate": challenge})
            return
        except KeysUnavailable:
            await _answer(scope, receive, send, 503, "callers cannot be told apart at present", {"Retry-After": "1"})
            return
        if wait > 0:
            after = {"Retry-After": str(math.ceil(wait))}
            await _answer(scope, receive, send, 429, "you call more often than you may", after)
            return
        scope.setdefault("state", {})["caller"] = caller
        await self.app(scope, receive, send)


async def _answer(
    scope: Scope, receive: Receive, send: Send, status: int, detail: str, headers: dict[str, str]
) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008, "reason": detail})  # before accept: HTTP 403
        return
    await problem.response(status, detail, headers)(scope, receive, send)
