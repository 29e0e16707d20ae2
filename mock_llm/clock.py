"""Time as an argument. The only module of mock_llm that reads the machine's clocks.

A server asks its clock for one `Timeline` a request. A real one waits. A virtual one does not: it moves the
time of that request's session instead, so 30 s to first token cost nothing, and two runs tell the same times.
"""

from __future__ import annotations

import asyncio
import time
from typing import Protocol

EPOCH = 1_767_225_600.0  # 2026-01-01T00:00:00Z, where virtual time and made-up timestamps start


class ReadLimit(Protocol):
    """The read timeout of an in-process client, in seconds of the server's clock."""

    seconds: float | None

    def expire(self) -> None:
        """Tell the client that its timeout has passed."""


class Timeline(Protocol):
    """The time of one request, in seconds since it arrived."""

    def elapsed(self) -> float:
        """Seconds since the request arrived."""

    async def until(self, offset: float, gone: asyncio.Future[None] | None = None) -> bool:
        """Wait until `offset` seconds after arrival. False when `gone` finished first: the client left."""


class Clock(Protocol):
    """What the server asks of time."""

    virtual: bool

    def now(self, session: str = "") -> float:
        """Epoch seconds as seen by a session (virtual time runs per session)."""

    def timeline(self, session: str, limit: ReadLimit | None = None) -> Timeline:
        """The time of a request that has just arrived."""

    def advance(self, seconds: float) -> None:
        """Move virtual time of every session forward. A real clock raises ValueError."""


class RealClock:
    """The machine's clocks."""

    virtual = False

    def now(self, session: str = "") -> float:
        return time.time()

    def timeline(self, session: str, limit: ReadLimit | None = None) -> Timeline:
        return _RealTimeline()

    def advance(self, seconds: float) -> None:
        raise ValueError("this server runs on real time; start it with a virtual clock to advance it")


class _RealTimeline:
    __slots__ = ("_start",)

    def __init__(self) -> None:
        self._start = time.monotonic()

    def elapsed(self) -> float:
        return time.monotonic() - self._start

    async def until(self, offset: float, gone: asyncio.Future[None] | None = None) -> bool:
        if gone is not None and gone.done():
            return False
        wait = offset - self.elapsed()
        if wait <= 0:
            return True
        loop = asyncio.get_running_loop()
        alarm: asyncio.Future[bool] = loop.create_future()
        handle = loop.call_later(wait, _ring, alarm, True)
        if gone is None:
            try:
                return await alarm
            finally:
                handle.cancel()

        def left(_: asyncio.Future[None]) -> None:
            _ring(alarm, False)

        gone.add_done_callback(left)
        try:
            return await alarm
        finally:
            handle.cancel()
            gone.remove_done_callback(left)


def _ring(alarm: asyncio.Future[bool], value: bool) -> None:
    if not alarm.done():
        alarm.set_result(value)


class VirtualClock:
    """Time that nobody waits for. Each session has its own, so concurrency cannot change what it reads.

    `waited` is the sum of all seconds that requests would have waited.
    """

    virtual = True

    def __init__(self, start: float = EPOCH) -> None:
        self._start = start
        self._sessions: dict[str, float] = {}
        self.waited = 0.0

    def now(self, session: str = "") -> float:
        return self._start + self._sessions.get(session, 0.0)

    def advance(self, seconds: float) -> None:
        if seconds < 0:
            raise ValueError("time does not go back")
        self._start += seconds

    def timeline(self, session: str, limit: ReadLimit | None = None) -> Timeline:
        return _VirtualTimeline(self, session, limit)

    def _reached(self, session: str, offset: float) -> None:
        if offset > self._sessions.get(session, 0.0):
            self._sessions[session] = offset


class _VirtualTimeline:
    __slots__ = ("_clock", "_from", "_limit", "_now", "_session")

    def __init__(self, clock: VirtualClock, session: str, limit: ReadLimit | None) -> None:
        self._clock = clock
        self._session = session
        self._limit = limit
        self._from = clock.now(session) - clock.now("\0")  # the session's own offset
        self._now = 0.0

    def elapsed(self) -> float:
        return self._now

    async def until(self, offset: float, gone: asyncio.Future[None] | None = None) -> bool:
        if gone is not None and gone.done():
            return False
        wait = offset - self._now
        if wait <= 0:
            return True
        limit = self._limit.seconds if self._limit is not None else None
        expired = limit is not None and wait > limit
        step = limit if expired and limit is not None else wait
        self._clock.waited += step
        self._now += step
        self._clock._reached(self._session, self._from + self._now)
        if expired and self._limit is not None:
            self._limit.expire()
            return False
        await asyncio.sleep(0)  # others get their turn, as they would in a real wait
        return True
