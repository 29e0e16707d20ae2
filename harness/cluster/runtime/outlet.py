"""The reading end of what a process writes to."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

CHUNK = 1 << 16
DRAIN_S = 1.0  # for what its children, which may live on, still hold open


class Outlet:
    """Hands everything that comes in at `fd` (a pipe, or the master of a terminal) to `sink`, and closes it."""

    def __init__(self, fd: int, sink: Callable[[bytes], None]) -> None:
        os.set_blocking(fd, False)
        self._fd, self._sink = fd, sink
        self._loop = asyncio.get_running_loop()
        self._ended = asyncio.Event()
        self._paused = False
        self._reads = 0
        self._loop.add_reader(fd, self._readable)

    def _readable(self) -> None:
        try:
            data = os.read(self._fd, CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""  # a terminal says EIO when nobody is left at its other end
        self._reads += 1
        if data:
            self._sink(data)
        else:
            self.close()

    async def drained(self) -> None:
        """Return when nothing more can come; after DRAIN_S in which nothing came the end is closed all the same."""
        while not self._ended.is_set():
            before = self._reads
            try:
                await asyncio.wait_for(self._ended.wait(), DRAIN_S)
            except TimeoutError:
                if not self._paused and self._reads == before:
                    self.close()

    def pause(self) -> None:
        """Read no further for now: whoever takes it is slower."""
        if not self._paused and not self._ended.is_set():
            self._paused = True
            self._loop.remove_reader(self._fd)

    def resume(self) -> None:
        """Read on."""
        if self._paused and not self._ended.is_set():
            self._paused = False
            self._loop.add_reader(self._fd, self._readable)

    def close(self) -> None:
        """Read no more."""
        if not self._ended.is_set():
            self._ended.set()
            self._loop.remove_reader(self._fd)
            os.close(self._fd)
