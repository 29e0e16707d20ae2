"""HTTP connections that become SPDY ones: what ASGI has no words for is taken from uvicorn before it sees it."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

from uvicorn.protocols.http.auto import AutoHTTPProtocol

from harness.cluster.cluster import LocalCluster
from harness.cluster.kubeapi.streams import refusal, stream_spdy

HIGH_WATER = 1 << 20
_PROTOCOLS = ("v4.channel.k8s.io", "portforward.k8s.io")


def protocol_for(cluster: LocalCluster) -> type[asyncio.Protocol]:
    """uvicorn's own protocol, but for connections that begin with a request to speak SPDY/3.1."""

    class WithSpdy(AutoHTTPProtocol):  # type: ignore[misc, valid-type]
        _spdy: _Raw | None = None
        _begun = False

        def data_received(self, data: bytes) -> None:
            if self._spdy is not None:
                self._spdy.received.put_nowait(data)
                return
            if not self._begun:
                self._begun = True
                head, _, rest = data.partition(b"\r\n\r\n")
                if b"\r\nupgrade: spdy/3.1" in head.lower():
                    self._spdy = _Raw(self.transport)
                    self._task = asyncio.get_running_loop().create_task(_serve(self._spdy, cluster, head, rest))
                    return
            super().data_received(data)

        def connection_lost(self, exc: Exception | None) -> None:
            if self._spdy is not None:
                self._spdy.received.put_nowait(b"")
            super().connection_lost(exc)

    return WithSpdy


class _Raw:
    def __init__(self, transport: Any) -> None:
        self._transport = transport
        self.received: asyncio.Queue[bytes] = asyncio.Queue()

    async def receive(self) -> bytes:
        return await self.received.get()

    async def send(self, data: bytes) -> None:
        if self._transport.is_closing():
            raise ConnectionResetError("the client is gone")
        self._transport.write(data)
        # uvicorn's own flow control is for its own requests
        while self._transport.get_write_buffer_size() > HIGH_WATER and not self._transport.is_closing():  # noqa: ASYNC110
            await asyncio.sleep(0.005)

    def close(self) -> None:
        self._transport.close()


async def _serve(raw: _Raw, cluster: LocalCluster, head: bytes, rest: bytes) -> None:
    """Upgrade, or refuse with a Status, and serve to the end."""
    try:
        first, *lines = head.decode("latin-1").split("\r\n")
        url = urlsplit(first.split(" ")[1])
        query = {key: values[-1] for key, values in parse_qs(url.query, keep_blank_values=True).items()}
        command = parse_qs(url.query, keep_blank_values=True).get("command", [])
        fields = [line.partition(":")[::2] for line in lines]
        offered = [v.strip() for k, v in fields if k.lower() == "x-stream-protocol-version"]
        offered = [name.strip() for value in offered for name in value.split(",")]
        refused = refusal(cluster, url.path, query, command)
        protocol = next((name for name in _PROTOCOLS if name in offered), "")
        if refused is None and not protocol:
            refused = 403, {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 403,
                            "message": f"unable to upgrade: none of {', '.join(_PROTOCOLS)} was offered"}  # fmt: skip
        if refused is not None:
            code, body = refused
            text = json.dumps(body).encode()
            kind = f"Content-Type: application/json\r\nContent-Length: {len(text)}\r\nConnection: close\r\n\r\n"
            await raw.send(f"HTTP/1.1 {code} Refused\r\n{kind}".encode() + text)
            return
        await raw.send(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n"
            f"X-Stream-Protocol-Version: {protocol}\r\n\r\n".encode()
        )
        if rest:
            raw.received.put_nowait(rest)
        await stream_spdy(raw, cluster, url.path, query, command)
    except OSError:
        pass  # the client is gone
    finally:
        raw.close()
