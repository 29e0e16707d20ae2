"""The recorder: the one way events get into a run directory."""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol

from harness.core.clock import Clock
from harness.core.events import AnyBody, Event


class Recorder(Protocol):
    """Takes what happened and stamps it with an id and a time."""

    def emit(
        self, body: AnyBody, *, suite: str = "", scope: str = "", trace_id: str = "", at: float | None = None
    ) -> Event:
        """Record `body` now, or as of `at` (clock.monotonic seconds), and return the event."""

    def emit_all(self, bodies: Iterable[AnyBody], *, suite: str = "", scope: str = "") -> None:
        """Record many bodies in one write; for producers of thousands of events a second."""


@dataclass(frozen=True)
class Axis:
    """Where the time axis of a run begins: `t0` on the machine's monotonic clock."""

    t0: float


class FileRecorder(AbstractContextManager["FileRecorder"]):
    """Appends events to `events.ndjson`.

    Several processes may each have a recorder on the same file: every write is whole lines in one
    `write(2)` to a file opened with O_APPEND, so lines never mix. `writer` must differ between them, since
    it prefixes the ids. Safe to call from several threads.
    """

    def __init__(self, path: Path, *, clock: Clock, axis: Axis, writer: str) -> None:
        self._clock = clock
        self._axis = axis
        self._writer = writer
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)

    def emit(
        self, body: AnyBody, *, suite: str = "", scope: str = "", trace_id: str = "", at: float | None = None
    ) -> Event:
        with self._lock:
            event = self._stamp(body, suite, scope, trace_id, at)
            self._write((event,))
        return event

    def emit_all(self, bodies: Iterable[AnyBody], *, suite: str = "", scope: str = "") -> None:
        with self._lock:
            self._write([self._stamp(body, suite, scope, "", None) for body in bodies])

    def write(self, events: Iterable[tuple[AnyBody, float]], *, suite: str = "", scope: str = "") -> None:
        """Record bodies that each happened at their own `clock.monotonic` second, in one write."""
        with self._lock:
            self._write([self._stamp(body, suite, scope, "", at) for body, at in events])

    def _stamp(self, body: AnyBody, suite: str, scope: str, trace_id: str, at: float | None) -> Event:
        now = self._clock.monotonic()
        wall = self._clock.wall()
        moment = now if at is None else at
        return Event(
            id=f"{self._writer}-{next(self._numbers)}",
            t=round(moment - self._axis.t0, 6),
            wall=wall.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            suite=suite,
            scope=scope,
            trace_id=trace_id,
            body=body,
        )

    def _write(self, events: Iterable[Event]) -> None:
        data = "".join(event.model_dump_json(exclude_defaults=False) + "\n" for event in events).encode()
        while data:
            data = data[os.write(self._fd, data) :]

    def close(self) -> None:
        """Flush to disk and close; events emitted before are safe also against a power cut."""
        if self._fd >= 0:
            os.fsync(self._fd)
            os.close(self._fd)
            self._fd = -1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class MemoryRecorder:
    """Keeps events in a list; for tests and for suites run inside pytest."""

    def __init__(self, *, clock: Clock, axis: Axis | None = None, writer: str = "mem") -> None:
        self._clock = clock
        self._axis = axis or Axis(clock.monotonic())
        self._writer = writer
        self.events: list[Event] = []

    def emit(
        self, body: AnyBody, *, suite: str = "", scope: str = "", trace_id: str = "", at: float | None = None
    ) -> Event:
        moment = self._clock.monotonic() if at is None else at
        event = Event(
            id=f"{self._writer}-{len(self.events) + 1}",
            t=round(moment - self._axis.t0, 6),
            wall=self._clock.wall().isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            suite=suite,
            scope=scope,
            trace_id=trace_id,
            body=body,
        )
        self.events.append(event)
        return event

    def emit_all(self, bodies: Iterable[AnyBody], *, suite: str = "", scope: str = "") -> None:
        for body in bodies:
            self.emit(body, suite=suite, scope=scope)
