"""What stands between client and server in the benchmark: `hops.py server|relay|edge [PORT]`; prints its own port.

server: echoes, or sends zeros for ever to whoever says `z`. relay: the plainest relay that uvloop can be. edge: one
edge of the local cluster, as it stands between two pods.
"""

from __future__ import annotations

import asyncio
import random
import sys
from typing import Any

import uvloop

from harness.cluster.edges.edge import Backend, Edge
from harness.core.clock import RealClock

ZEROS = bytes(1 << 18)


class Server(asyncio.Protocol):
    def connection_made(self, transport: Any) -> None:
        self.transport, self.pouring, self.open = transport, False, True

    def data_received(self, data: bytes) -> None:
        if data == b"z":
            self.pouring = True
            self.pour()
        else:
            self.transport.write(data)

    def pour(self) -> None:
        while self.pouring and self.open and not self.transport.is_closing():
            self.transport.write(ZEROS)

    def pause_writing(self) -> None:
        self.open = False

    def resume_writing(self) -> None:
        self.open = True
        asyncio.get_running_loop().call_soon(self.pour)


class Half(asyncio.Protocol):
    """One half of a relayed connection."""

    other: Half | None = None
    transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.set_write_buffer_limits(1 << 20)

    def data_received(self, data: bytes) -> None:
        if self.other is not None:
            self.other.transport.write(data)

    def connection_lost(self, error: Exception | None) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.close()

    def pause_writing(self) -> None:
        if self.other is not None:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.other is not None and not self.other.transport.is_closing():
            self.other.transport.resume_reading()


class Near(Half):
    def __init__(self, port: int) -> None:
        self.port, self.early = port, b""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.dialling = asyncio.get_running_loop().create_task(self.dial())

    async def dial(self) -> None:
        _, far = await asyncio.get_running_loop().create_connection(Half, "127.0.0.1", self.port)
        far.other, self.other = self, far
        far.transport.write(self.early)

    def data_received(self, data: bytes) -> None:
        if self.other is None:
            self.early += data
        else:
            self.other.transport.write(data)


async def main() -> None:
    kind, port = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 0
    loop = asyncio.get_running_loop()
    if kind == "edge":
        backend = Backend("pod", "127.0.0.1", port)
        edge = Edge("a", "b", 80, resolve=lambda: backend, blocked=lambda pod: False, clock=RealClock(),
                    rng=random.Random(1))  # fmt: skip
        await edge.open()
        print(edge.listen_port, flush=True)
    else:
        server = await loop.create_server(Server if kind == "server" else lambda: Near(port), "127.0.0.1", 0)
        print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main())
