"""One direction of a connection."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from harness.cluster.edges.faults import Direction

if TYPE_CHECKING:
    from harness.cluster.edges.connection import Connection


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
