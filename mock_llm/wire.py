"""The edge of ASGI: reading a body, sending an answer, ending a connection rudely."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_LINGER_ZERO = struct.pack("ii", 1, 0)


async def read_body(receive: Receive) -> bytes:
    """The whole request body."""
    message = await receive()
    body: bytes = message.get("body", b"")
    if not message.get("more_body", False):
        return body
    parts = [body]
    while message.get("more_body", False):
        message = await receive()
        parts.append(message.get("body", b""))
    return b"".join(parts)


async def watch(receive: Receive) -> None:
    """Returns when the client has gone."""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return


def cut(scope: Scope, send: Send, how: str) -> bool:
    """End the connection under the answer: `fin` in the ordinary way, `rst` with a reset.

    True when it was done. An in-process transport is told through the scope's extension "mock_llm.cut".
    """
    extension: Callable[[str], None] | None = (scope.get("extensions") or {}).get("mock_llm.cut")
    if extension is not None:
        extension(how)
        return True
    transport: asyncio.Transport | None = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        return False
    if how == "rst":
        sock = transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
        transport.abort()
    else:
        transport.close()
    return True


def extension(scope: Scope, name: str) -> Any:
    """An extension that an in-process transport put into the scope."""
    found: Mapping[str, Any] = scope.get("extensions") or {}
    return found.get(name)
