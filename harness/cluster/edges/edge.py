"""One edge: a listening port, and the connections that pass through it.

caller ──▶ [listener] Pipe(up) ──faults──▶ [pod behind the service]
       ◀──────────── Pipe(down) ◀─faults──
"""

from __future__ import annotations

import asyncio
import math
import random
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from harness.cluster.edges.faults import Direction, EdgeFault
from harness.cluster.edges.witness import Witness
from harness.core.clock import Clock

HIGH_WATER = 1 << 20  # bytes waiting on one side before the other is told to pause
CONNECT_TIMEOUT_S = 3.0


@dataclass(frozen=True)
class Backend:
    """A pod's address behind a service."""

    pod: str
    host: str
    port: int


Resolve = Callable[[], "Backend | None"]
Blocked = Callable[[str], bool]  # by destination pod: is this edge closed by a policy?


class Edge:
    """The connections from `source` (a pod, or `client` for callers from outside) to one port of a service.

    `resolve` picks a ready pod for each new connection; `blocked` says whether a NetworkPolicy closes the
    way to it. Faults may be set and cleared at any time and concern open connections too.
    """

    def __init__(
        self,
        source: str,
        service: str,
        port: int,
        *,
        resolve: Resolve,
        blocked: Blocked,
        clock: Clock,
        rng: random.Random,
    ) -> None:
        self.source, self.service, self.port = source, service, port
        self.witness = Witness()
        self.faults: dict[str, EdgeFault] = {}
        self._left: dict[str, int] = {}  # what `times` leaves of a fault
        self.listen_port = 0
        self._resolve, self._blocked, self._clock, self._rng = resolve, blocked, clock, rng
        self._server: asyncio.Server | None = None
        self.connections: set[Connection] = set()

    async def open(self, port: int = 0) -> None:
        """Listen on 127.0.0.1:`port` (0: a free one). Raises OSError when it is taken."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Connection(self), "127.0.0.1", port, backlog=1024)
        self.listen_port = self._server.sockets[0].getsockname()[1]

    def listen_now(self) -> socket.socket:
        """Bind a free port at once, so that it can be written into an environment; `serve` then accepts."""
        listening = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.listen_port = listening.getsockname()[1]
        return listening

    async def serve(self, listening: socket.socket) -> None:
        """Accept on a socket from `listen_now`."""
        self._server = await asyncio.get_running_loop().create_server(lambda: Connection(self), sock=listening)

    def close(self) -> None:
        """Stop listening and end every connection."""
        if self._server is not None:
            self._server.close()
        for connection in list(self.connections):
            connection.reset()

    def fault(self, kind: str, direction: Direction | None = None) -> EdgeFault | None:
        """The first active fault of a kind that concerns `direction`."""
        return next(
            (f for f in self.faults.values() if f.kind == kind and (direction is None or f.covers(direction))),
            None,
        )

    def set_fault(self, name: str, fault: EdgeFault) -> None:
        """Put a fault on the edge under `name`, in place of an older one of that name."""
        self.faults[name] = fault
        self._left.pop(name, None)
        if fault.kind == "reset":
            for connection in list(self.connections):
                connection.reset()

    def clear_fault(self, name: str) -> bool:
        """Take a fault off; False when there was none. Connections that a black hole held are reset, since a
        protocol in the middle of a lost message cannot go on."""
        gone = self.faults.pop(name, None)
        if gone is not None and gone.kind == "black_hole":
            for connection in list(self.connections):
                if connection.swallowed:
                    connection.reset()
        return gone is not None

    def answers(self) -> EdgeFault | None:
        """The http fault that answers the next request, if any; one with `times` is used up by it."""
        for name, fault in self.faults.items():
            if fault.kind == "http" and self._left.get(name, fault.times) != 0:
                if fault.times is not None:
                    self._left[name] = self._left.get(name, fault.times) - 1
                return fault
        return None

    def closed_to(self, pod: str) -> bool:
        """True while nothing may pass to `pod`: a black hole, or a NetworkPolicy."""
        return self.fault("black_hole") is not None or self._blocked(pod)

    def backend(self) -> Backend | None:
        return self._resolve()

    def delay_s(self, direction: Direction) -> float:
        """How much later a chunk must arrive that came in now."""
        total = 0.0
        for fault in self.faults.values():
            if fault.kind == "delay" and fault.covers(direction):
                total += max(0.0, fault.delay_ms + self._rng.uniform(-1, 1) * fault.jitter_ms) / 1000
        return total

    def now(self) -> float:
        return self._clock.monotonic()


class Connection(asyncio.Protocol):
    """A caller's connection; `Far` is its other half."""

    def __init__(self, edge: Edge) -> None:
        self.edge = edge
        self.near: asyncio.Transport | None = None
        self.far: Far | None = None
        self.pod = ""
        self.swallowed = False
        self._early: list[bytes] = []
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
        elif self.far is None:
            self._early.append(data)
        else:
            self._up.push(data)

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
        if self.far is not None and self.far.transport is not None:
            self.far.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.far is not None and self.far.transport is not None and not self.far.transport.is_closing():
            self.far.transport.resume_reading()

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
        self.connection.down.push(data)

    def eof_received(self) -> bool:
        self.connection.down.finish()
        return True

    def connection_lost(self, error: Exception | None) -> None:
        connection = self.connection
        if error is not None:
            connection.reset()
        else:
            connection.down.finish(close=True)

    def pause_writing(self) -> None:
        if self.connection.near is not None:
            self.connection.near.pause_reading()

    def resume_writing(self) -> None:
        if self.connection.near is not None and not self.connection.near.is_closing():
            self.connection.near.resume_reading()


class Pipe:
    """One direction of a connection: passes chunks on at once, or as late as the edge's faults say."""

    def __init__(self, connection: Connection, direction: Direction) -> None:
        self._connection = connection
        self._direction: Direction = direction
        self._sent = 0
        self._ready_at = 0.0  # chunks never overtake each other
        self._waiting: set[asyncio.TimerHandle] = set()
        self._stopped = False

    def push(self, data: bytes) -> None:
        """Take a chunk that came in just now."""
        edge = self._connection.edge
        if not edge.faults and not self._waiting:
            if edge.closed_to(self._connection.pod):
                self._swallow()
            else:
                self._connection.write(self._direction, data)
            return
        if edge.closed_to(self._connection.pod):
            self._swallow()
            return
        cut = edge.fault("cut", self._direction)
        if cut is not None:
            data = data[: max(0, cut.after_bytes - self._sent)]
        self._sent += len(data)
        now = edge.now()
        at = now + edge.delay_s(self._direction)
        slow = edge.fault("bandwidth", self._direction)
        if slow is not None and slow.bytes_per_s > 0:
            at = max(at, self._ready_at) + len(data) / slow.bytes_per_s
        self._ready_at = max(at, self._ready_at)
        wait = self._ready_at - now
        if wait <= 0 and not self._waiting:
            self._send(data, None)
        else:
            self._later(wait, lambda: self._send(data, now))
        if cut is not None and self._sent >= cut.after_bytes:
            self._later(max(wait, 0), self._connection.reset)

    def finish(self, *, close: bool = False) -> None:
        """Pass on that nothing more will come, after what is still on its way."""
        wait = max(0.0, self._ready_at - self._connection.edge.now())
        last = self._close if close else lambda: self._connection.end(self._direction)
        if self._waiting:
            self._later(wait, last)
        elif not self._stopped:
            last()

    def stop(self) -> None:
        """Forget what is still on its way."""
        self._stopped = True
        for handle in self._waiting:
            handle.cancel()
        self._waiting.clear()

    def _close(self) -> None:
        if self._connection.near is not None and not self._connection.near.is_closing():
            self._connection.near.close()

    def _swallow(self) -> None:
        self._connection.swallowed = True
        self._connection.edge.witness.held += 1

    def _send(self, data: bytes, since: float | None) -> None:
        if self._stopped:
            return
        if since is not None:
            self._connection.edge.witness.saw_delay(self._connection.edge.now() - since)
        if data:
            self._connection.write(self._direction, data)

    def _later(self, wait: float, action: Callable[[], None]) -> None:
        def run() -> None:
            self._waiting.discard(handle)
            action()

        # libuv's timers count whole milliseconds from when the loop last looked at the clock, and so may be early.
        whole = math.ceil(wait * 1000 + 0.5) / 1000 if wait > 0 else 0.0
        handle = asyncio.get_running_loop().call_later(whole, run)
        self._waiting.add(handle)
