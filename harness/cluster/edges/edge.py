"""One edge: a listening port, and the connections that pass through it.

caller ──▶ [listener] Pipe(up) ──faults──▶ [pod behind the service]
       ◀──────────── Pipe(down) ◀─faults──
"""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Callable
from dataclasses import dataclass

from harness.cluster.edges.connection import Connection
from harness.cluster.edges.faults import Direction, EdgeFault
from harness.cluster.edges.witness import Witness
from harness.core.clock import Clock

RETRANSMIT_S = 0.2  # Linux' least time until a lost segment is sent again; it doubles
MOST_STALL_S = 60.0


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
        for connection in list(self.connections):
            if fault.kind == "reset":
                connection.reset()
            elif fault.kind == "half_open":
                connection.lose_far()

    def clear_fault(self, name: str) -> bool:
        """Take a fault off; False when there was none. Connections that hear nothing are reset, since a
        protocol in the middle of a lost message cannot go on."""
        gone = self.faults.pop(name, None)
        if gone is not None and gone.kind in ("black_hole", "half_open"):
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
        """True while nothing may pass to `pod`: a black hole, a side that is gone, or a NetworkPolicy."""
        return any(fault.kind in ("black_hole", "half_open") for fault in self.faults.values()) or self._blocked(pod)

    def backend(self) -> Backend | None:
        return self._resolve()

    def delay_s(self, direction: Direction) -> float:
        """How much later a chunk must arrive that came in now."""
        total = 0.0
        for fault in self.faults.values():
            if fault.kind == "delay" and fault.covers(direction):
                total += max(0.0, fault.delay_ms + self._rng.uniform(-1, 1) * fault.jitter_ms) / 1000
        return total

    def stall_s(self, direction: Direction) -> float:
        """How long TCP takes to send a chunk until it is not lost."""
        total = 0.0
        for fault in self.faults.values():
            if fault.kind == "loss" and fault.covers(direction):
                wait = RETRANSMIT_S
                while total < MOST_STALL_S and self._rng.uniform(0, 100) < fault.loss_percent:
                    total, wait = total + wait, wait * 2
        return total

    def now(self) -> float:
        return self._clock.monotonic()
