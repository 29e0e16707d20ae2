"""gRPC calls without anybody's stubs: an empty message to a method, and the status as HTTP would have said it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.contracts.http.exchange import Exchange

# google.rpc.Code says of each status which HTTP code it is. UNAVAILABLE without an answer is told apart below.
AS_HTTP = {
    "OK": 200,
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "OUT_OF_RANGE": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "ABORTED": 409,
    "RESOURCE_EXHAUSTED": 429,
    "CANCELLED": 499,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}


def named(code: int) -> str:
    """The status that AS_HTTP has as `code`."""
    return next((status for status, as_http in AS_HTTP.items() if as_http == code), str(code))


@dataclass(frozen=True)
class GrpcExchange(Exchange):
    """A call as an exchange; `status` is gRPC's own word for how it ended."""

    status: str = ""

    @property
    def outcome(self) -> str:
        """The status, as gRPC says it."""
        return self.status or self.error

    def curl(self) -> str:
        """The same call with grpcurl, which asks the service's reflection for the message."""
        address, _, method = self.url.removeprefix("grpc://").partition("/")
        words = ["grpcurl", "-plaintext"]
        for name in self.headers:
            words += ["-H", f'"{name}: ${name.upper().replace("-", "_")}"']
        return " ".join([*words, shlex.quote(address), shlex.quote(method)])


class GrpcCaller:
    """Sends empty messages to the methods at `address`, with the `headers` as metadata."""

    def __init__(self, channel: Any, address: str, headers: Mapping[str, str]) -> None:
        self._channel, self._address, self._headers = channel, address, dict(headers)

    async def send(self, method: str, path: str, *, timeout_s: float = 15.0) -> GrpcExchange:
        """Call `package.Service/Method`, which `path` is; `method` is the word GRPC. Never raises for what the service
        does."""
        import grpc

        call = self._channel.unary_unary(f"/{path}")  # bytes out, bytes in
        common: dict[str, Any] = {
            "method": method, "url": f"grpc://{self._address}/{path}", "headers": self._headers, "content": b"",
            "secret": frozenset(self._headers),
        }  # fmt: skip
        try:
            answer = await call(b"", metadata=tuple(self._headers.items()), timeout=timeout_s, wait_for_ready=False)
        except grpc.aio.AioRpcError as error:
            status, text = error.code().name, error.details() or ""
            if status == "UNAVAILABLE" and "failed to connect" in text.lower():
                return GrpcExchange(code=None, error=text, reached=False, **common)
            if status == "DEADLINE_EXCEEDED":
                return GrpcExchange(code=None, error=f"no answer within {timeout_s:g} s", **common)
            return GrpcExchange(code=AS_HTTP.get(status, 500), answer=text.encode(), status=status, **common)
        return GrpcExchange(code=200, answer=answer, status="OK", **common)
