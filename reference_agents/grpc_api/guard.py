"""The guard of the gRPC door: the same tokens and list of callers as over HTTP, and the same rate, counted apart."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import grpc

from reference_agents.security.limits import RateLimit
from reference_agents.security.verifier import KeysUnavailable, Refusal, Verifier

# What a kubelet and somebody who wants to know how to call ask for, before they can have a token.
OPEN = ("/grpc.health.v1.Health/", "/grpc.reflection.")


@dataclass
class Guard(grpc.aio.ServerInterceptor):  # type: ignore[misc]
    """Lets through who proves to be on the list; else UNAUTHENTICATED, PERMISSION_DENIED or RESOURCE_EXHAUSTED."""

    verifier: Verifier
    limit: RateLimit

    async def intercept_service(self, continuation: Callable[[Any], Awaitable[Any]], details: Any) -> Any:
        """See grpc.aio.ServerInterceptor."""
        if details.method.startswith(OPEN):
            return await continuation(details)
        sent = {name: value for name, value in details.invocation_metadata or () if isinstance(value, str)}
        try:
            caller = await self.verifier.caller(sent.get("authorization"))
        except Refusal as error:
            known = error.status == 403
            return _refusing(
                grpc.StatusCode.PERMISSION_DENIED if known else grpc.StatusCode.UNAUTHENTICATED, error.detail
            )
        except KeysUnavailable:
            return _refusing(grpc.StatusCode.UNAVAILABLE, "callers cannot be told apart at present")
        if self.limit.wait_s(caller) > 0:
            return _refusing(grpc.StatusCode.RESOURCE_EXHAUSTED, "you call more often than you may")
        return await continuation(details)


def _refusing(code: grpc.StatusCode, detail: str) -> Any:
    async def refuse(request: bytes, context: Any) -> None:
        await context.abort(code, detail)

    return grpc.unary_unary_rpc_method_handler(refuse)
