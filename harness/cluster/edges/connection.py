"""A connection through an edge: the half that faces the caller, and the half that faces the pod."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import TYPE_CHECKING, cast

from harness.cluster.edges.faults import Direction, EdgeFault
from harness.cluster.edges.pipe import Pipe
from harness.cluster.edges.rewriting import Rewriting, closing

if TYPE_CHECKING:
    from harness.cluster.edges.edge import Edge

HIGH_WATER = 1 << 20  # bytes waiting on one side before the other is told to pause
CONNECT_TIMEOUT_S = 3.0


class Connection(asyncio.Protocol):
    """A caller's connection; `Far` is its other half."""

    def __init__(self, edge: Edge) -> None:
        self.edge = edge
        self.near: asyncio.Transport | None = None
        self.far: Far | None = None
        self.pod = ""
        self.swallowed = False
        self._early: list[bytes] = []
        self._held: dict[Direction, set[str]] = {"up": set(), "down": set()}
        self._rewriting: Rewriting | None = None
        self._up = Pipe(self, "up")
        self.down = Pipe(self, "down")
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no asyncio.Transport by class, only by behaviour.
        self.near = transport = cast(asyncio.Transport, transport)
        transport.set_write_buffer_limits(HIGH_WATER)
        edge = self.edge
        edge.connections.add(self)
        edge.witness.opened += 1
        if edge.fault("refuse") or edge.fault("reset"):
            edge.witness.refused += 1
            self.reset()
            return
        self._task = asyncio.get_running_loop().create_task(self._dial())

    async def _dial(self) -> None:
        edge = self.edge
        backend = edge.backend()
        if backend is None:
            edge.witness.failed += 1
            self.reset()
            return
        self.pod = backend.pod
        if edge.closed_to(backend.pod):
            edge.witness.held += 1
            self.swallowed = True
            return
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await asyncio.get_running_loop().create_connection(lambda: Far(self), backend.host, backend.port)
        except (OSError, TimeoutError):
            edge.witness.failed += 1
            self.reset()

    def dialled(self, far: Far) -> None:
        """The pod accepted: send on what the caller said meanwhile."""
        self.far = far
        early, self._early = self._early, []
        for data in early:
            self._up.push(data)

    def data_received(self, data: bytes) -> None:
        self.edge.witness.bytes_up += len(data)
        http = self.edge.answers()
        if http is not None:
            self._answer(http)
        elif self.swallowed:
            self.edge.witness.held += 1
        else:
            fault = self.edge.fault("rewrite")
            if fault is not None:
                self._rewriting = Rewriting(fault)
                data = closing(data)
            if self.far is None:
                self._early.append(data)
            else:
                self._up.push(data)

    def came_down(self, data: bytes) -> None:
        """Take a chunk of the pod's."""
        if self._rewriting is not None:
            data = self._rewriting.answer(data)
            if self._rewriting.done:
                self._rewriting.done = False
                self.edge.witness.rewritten += 1
            if not data:
                return
        self.down.push(data)

    def lose_far(self) -> None:
        """The pod's side goes, and the caller hears nothing of it."""
        if self.far is not None and self.far.transport is not None and not self.swallowed:
            self.swallowed = True
            self.edge.witness.half_open += 1
            self.down.stop()
            self._up.stop()
            self.far.transport.abort()

    def hold(self, direction: Direction, why: str, on: bool) -> None:
        """Read no more of what flows in `direction` while there is a reason not to."""
        reasons = self._held[direction]
        before = bool(reasons)
        reasons.add(why) if on else reasons.discard(why)
        transport = self.near if direction == "up" else self.far.transport if self.far else None
        if transport is None or transport.is_closing() or bool(reasons) == before:
            return
        transport.pause_reading() if reasons else transport.resume_reading()

    def _answer(self, fault: EdgeFault) -> None:
        body = fault.body.encode()
        headers = {
            "content-type": "text/plain",
            **fault.headers,
            "content-length": str(len(body)),
            "connection": "close",
        }
        head = f"HTTP/1.1 {fault.status} Fault\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers.items()) + "\r\n"
        self.edge.witness.answered += 1
        if self.near is not None and not self.near.is_closing():
            self.near.write(head.encode() + body)
            self.near.close()

    def eof_received(self) -> bool:
        self._up.finish()
        return True

    def connection_lost(self, error: Exception | None) -> None:
        self.edge.connections.discard(self)
        if self._task is not None:
            self._task.cancel()
        self._up.stop()
        self.down.stop()
        if self.far is not None and self.far.transport is not None:
            self.far.transport.abort() if error else self.far.transport.close()

    def pause_writing(self) -> None:
        self.hold("down", "the caller is slow", True)

    def resume_writing(self) -> None:
        self.hold("down", "the caller is slow", False)

    def write(self, direction: Direction, data: bytes) -> None:
        """Hand a chunk to the side it flows to."""
        transport = self.near if direction == "down" else self.far.transport if self.far else None
        if transport is not None and not transport.is_closing():
            transport.write(data)

    def end(self, direction: Direction) -> None:
        """Pass the end of a direction on."""
        transport = self.near if direction == "down" else self.far.transport if self.far else None
        if transport is not None and not transport.is_closing() and transport.can_write_eof():
            transport.write_eof()

    def reset(self) -> None:
        """End both halves with RST."""
        self.edge.witness.reset += 1
        for transport in (self.near, self.far.transport if self.far else None):
            if transport is None:
                continue
            sock = transport.get_extra_info("socket")
            if sock is not None and sock.fileno() >= 0:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            transport.abort()


class Far(asyncio.Protocol):
    """The half that faces the pod."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport = cast(asyncio.Transport, transport)
        transport.set_write_buffer_limits(HIGH_WATER)
        if self.connection.near is None or self.connection.near.is_closing():
            transport.abort()
            return
        self.connection.dialled(self)

    def data_received(self, data: bytes) -> None:
        self.connection.edge.witness.bytes_down += len(data)
        self.connection.came_down(data)

    def eof_received(self) -> bool:
        self.connection.down.finish()
        return True

    def connection_lost(self, error: Exception | None) -> None:
        connection = self.connection
        if connection.swallowed:
            return  # nobody tells the caller
        if error is not None:
            connection.reset()
        else:
            connection.down.finish(close=True)

    def pause_writing(self) -> None:
        self.connection.hold("up", "the pod is slow", True)

    def resume_writing(self) -> None:
        self.connection.hold("up", "the pod is slow", False)
