"""One direction of a connection."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.cluster.edges.faults import Direction

if TYPE_CHECKING:
    from harness.cluster.edges.connection import Connection

HIGH_WATER = 1 << 20  # bytes on their way before no more are taken
SLICE_S = 0.02  # of a narrow way: what passes at once takes so long


@dataclass
class _Part:
    """A chunk on its way: from the moment `at` on a piece of it arrives every `every_s` seconds; or something to do."""

    at: float
    data: bytes = b""
    since: float | None = None
    size: int = 1
    every_s: float = 0.0
    action: Callable[[], None] | None = None


class Pipe:
    """One direction of a connection: passes chunks on at once, or as late as the edge's faults say."""

    def __init__(self, connection: Connection, direction: Direction) -> None:
        self._connection = connection
        self._direction: Direction = direction
        self._sent = 0
        self._queued = 0  # bytes that are still on their way
        self._ready_at = 0.0  # chunks never overtake each other
        self._line: deque[_Part] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._stopped = False

    def push(self, data: bytes) -> None:
        """Take a chunk that came in just now."""
        edge = self._connection.edge
        if edge.closed_to(self._connection.pod):
            self._connection.swallowed = True
            edge.witness.held += 1
        elif not edge.faults and not self._line:
            self._connection.write(self._direction, data)
        else:
            self._delayed(data)

    def _delayed(self, data: bytes) -> None:
        edge = self._connection.edge
        cut = edge.fault("cut", self._direction)
        if cut is not None:
            data = data[: max(0, cut.after_bytes - self._sent)]
        self._sent += len(data)
        stall = edge.stall_s(self._direction)
        if stall:
            edge.witness.stalled += 1
        now = edge.now()
        self._ready_at = max(now + edge.delay_s(self._direction) + stall, self._ready_at)
        size, every_s = self._pace(len(data))
        if self._ready_at <= now and not every_s and not self._line:
            self._send(data, None)
        elif data:
            # The first piece, too, takes its time on a narrow way.
            self._put(_Part(self._ready_at + every_s, data, now, size, every_s))
            self._ready_at += math.ceil(len(data) / size) * every_s
            self._queued += len(data)
            if self._queued > HIGH_WATER:
                self._connection.hold(self._direction, "the way is slow", True)
        if cut is not None and self._sent >= cut.after_bytes:
            self._put(_Part(self._ready_at, action=self._connection.reset))

    def _pace(self, length: int) -> tuple[int, float]:
        """In what pieces a chunk passes, and how many seconds each takes."""
        edge = self._connection.edge
        drip, slow = edge.fault("drip", self._direction), edge.fault("bandwidth", self._direction)
        rate = slow.bytes_per_s if slow is not None else 0.0
        size = drip.piece_bytes if drip is not None else max(1, int(rate * SLICE_S)) if rate else max(1, length)
        size = min(size, max(1, length))
        return size, (drip.every_ms / 1000 if drip else 0.0) + (size / rate if rate else 0.0)

    def finish(self, *, close: bool = False) -> None:
        """Pass on that nothing more will come, after what is still on its way."""
        last = self._close if close else lambda: self._connection.end(self._direction)
        if self._line:
            self._put(_Part(self._ready_at, action=last))
        elif not self._stopped:
            last()

    def stop(self) -> None:
        """Forget what is still on its way."""
        self._stopped = True
        self._line.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _close(self) -> None:
        if self._connection.near is not None and not self._connection.near.is_closing():
            self._connection.near.close()

    def _send(self, data: bytes, since: float | None) -> None:
        if since is not None:
            self._connection.edge.witness.saw_delay(self._connection.edge.now() - since)
        if data:
            self._connection.write(self._direction, data)

    def _put(self, part: _Part) -> None:
        if not self._stopped:
            self._line.append(part)
            self._wake()

    def _wake(self) -> None:
        """Set the one timer, for the first in line."""
        if self._timer is None and self._line:
            wait = self._line[0].at - self._connection.edge.now()
            # libuv's timers count whole milliseconds from when the loop last looked at the clock, and so may be early.
            whole = math.ceil(wait * 1000 + 0.5) / 1000 if wait > 0 else 0.0
            self._timer = asyncio.get_running_loop().call_later(whole, self._due)

    def _due(self) -> None:
        self._timer = None
        now = self._connection.edge.now()
        while self._line and self._line[0].at <= now and not self._stopped:
            part = self._line[0]
            if part.action is not None:
                self._line.popleft()
                part.action()
                continue
            # What is due by now goes at once: a timer may have come late.
            count = 1 + int((now - part.at) / part.every_s) if part.every_s else math.ceil(len(part.data) / part.size)
            piece, part.data = part.data[: count * part.size], part.data[count * part.size :]
            part.at += count * part.every_s
            if not part.data:
                self._line.popleft()
            self._queued -= len(piece)
            if self._queued <= HIGH_WATER // 2:
                self._connection.hold(self._direction, "the way is slow", False)
            self._send(piece, part.since)
        self._wake()
