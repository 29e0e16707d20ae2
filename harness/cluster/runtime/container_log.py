"""What a container wrote: one file over all its starts, and when each part of it came."""

from __future__ import annotations

import asyncio
import bisect
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from harness.core.clock import Clock

MARKS_KEPT = 20_000


@dataclass
class ContainerLog:
    """Keeps what is written in `path`, and tells whoever listens.

    A disk that takes nothing more costs lines, never the container its life: what could not be kept is counted in
    `lost`, and `told_lost` is called the first time.
    """

    path: Path
    clock: Clock
    told_lost: Callable[[str], None]
    size: int = 0
    lost: int = 0
    starts: list[int] = field(default_factory=list)  # where each start of the container begins
    _marks: list[tuple[int, datetime]] = field(default_factory=list)  # from this offset on it came then
    _listeners: set[asyncio.Queue[bytes]] = field(default_factory=set)

    def begin(self) -> None:
        """The container is started, once more: what it writes from now on is this start's."""
        self.starts.append(self.size)

    def write(self, data: bytes) -> None:
        """Keep a chunk."""
        for queue in self._listeners:
            queue.put_nowait(data)
        self._marks.append((self.size, self.clock.wall()))
        if len(self._marks) > MARKS_KEPT:
            del self._marks[1 : MARKS_KEPT // 2]
        kept = 0
        try:
            with self.path.open("ab", buffering=0) as file:
                kept = file.write(data) or 0
        except OSError as error:
            if not self.lost:
                self.told_lost(f"{self.path.name} cannot be written: {error.strerror}")
        self.size += kept
        self.lost += len(data) - kept

    def read(self, start: int = 0, end: int | None = None) -> bytes:
        """What stands from one offset to another."""
        try:
            with self.path.open("rb") as file:
                file.seek(start)
                return file.read() if end is None else file.read(max(0, end - start))
        except FileNotFoundError:
            return b""

    def of(self, *, back: int = 0) -> tuple[int, int | None] | None:
        """From where to where the last start wrote, or the one `back` before it; None where there was none."""
        if len(self.starts) <= back:
            return None
        return self.starts[-1 - back], self.starts[-back] if back else None

    def offset_at(self, moment: datetime) -> int:
        """Where what came at `moment` or later begins."""
        place = bisect.bisect_left(self._marks, moment, key=lambda mark: mark[1])
        return self._marks[place][0] if place < len(self._marks) else self.size

    def when(self, offset: int) -> datetime:
        """When the byte at `offset` came."""
        place = bisect.bisect_right(self._marks, offset, key=lambda mark: mark[0])
        return self._marks[max(0, place - 1)][1] if self._marks else self.clock.wall()

    def listen(self) -> asyncio.Queue[bytes]:
        """A queue that gets every chunk from now on; give it back to `ignore`."""
        queue: asyncio.Queue[bytes] = asyncio.Queue()
        self._listeners.add(queue)
        return queue

    def ignore(self, queue: asyncio.Queue[bytes]) -> None:
        self._listeners.discard(queue)
