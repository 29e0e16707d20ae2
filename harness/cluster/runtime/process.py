"""Starting a process that cannot outlive the cluster, and ending it with all its children."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import signal
import struct
import termios
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.cluster.runtime.outlet import Outlet
from harness.targets.child import dying_with_us


@dataclass
class Process:
    """A running process, head of a process group of its own. `terminal` is the master of its terminal, if it has one,
    `stdin` where it reads from, if it reads."""

    inner: asyncio.subprocess.Process
    outlets: list[Outlet] = field(default_factory=list)
    stdin: int | None = None
    terminal: int | None = None

    @property
    def pid(self) -> int:
        return self.inner.pid

    @property
    def running(self) -> bool:
        return self.inner.returncode is None

    async def wait(self) -> int:
        """The exit code; negative for a signal."""
        return await self.inner.wait()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the whole group; nobody there is fine."""
        try:
            os.killpg(self.inner.pid, number)
        except (ProcessLookupError, PermissionError):
            pass

    async def end(self, grace_s: float) -> int:
        """SIGTERM, then after `grace_s` SIGKILL; also for what the process itself has started."""
        if self.running and grace_s > 0:
            self.signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(asyncio.shield(self.inner.wait()), grace_s)
            except TimeoutError:
                pass
        self.signal(signal.SIGKILL)
        return await self.inner.wait()

    async def close(self) -> None:
        """Return when all that it wrote is read; for one that has ended."""
        for outlet in self.outlets:
            await outlet.drained()
        self.close_stdin()

    async def feed(self, data: bytes) -> None:
        """Write to what it reads from; one that does not read is not waited for longer than it lives."""
        while data and self.stdin is not None and self.running:
            try:
                data = data[os.write(self.stdin, data) :]
            except BlockingIOError:
                await asyncio.sleep(0.01)
            except OSError:
                return

    def close_stdin(self) -> None:
        """Nothing more will come; a terminal has no such end."""
        if self.stdin is not None and self.stdin != self.terminal:
            os.close(self.stdin)
            self.stdin = None

    def resize(self, rows: int, columns: int) -> None:
        """Tell the terminal its size."""
        if self.terminal is not None and self.running:
            try:
                fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            except OSError:
                pass  # it has just ended


async def start(
    argv: Sequence[str],
    env: Mapping[str, str],
    cwd: Path,
    out: Callable[[bytes], None],
    err: Callable[[bytes], None] | None = None,
    *,
    stdin: bool = False,
    tty: bool = False,
) -> Process:
    """Start `argv`; what it writes goes to `out`, and what it complains of to `err` where there is one.

    `stdin` keeps a way to feed it, `tty` gives it a terminal. Raises OSError when it cannot be started.
    """
    reading: list[tuple[int, Callable[[bytes], None]]] = []
    theirs: list[int] = []
    feeding = terminal = None

    def pipe(sink: Callable[[bytes], None]) -> int:
        ours, end = os.pipe()
        reading.append((ours, sink))
        theirs.append(end)
        return end

    if tty:
        terminal, end = pty.openpty()
        reading.append((terminal, out))
        theirs.append(end)
        given = (end, end, end)
        feeding = terminal if stdin else None
    else:
        written = pipe(out)
        complained = pipe(err) if err is not None else written
        if stdin:
            read, feeding = os.pipe()
            os.set_blocking(feeding, False)
            theirs.append(read)
        given = (read if stdin else asyncio.subprocess.DEVNULL, written, complained)
    try:
        inner = await asyncio.create_subprocess_exec(
            *argv,
            env=dict(env),
            cwd=cwd,
            stdin=given[0],
            stdout=given[1],
            stderr=given[2],
            start_new_session=not tty,
            preexec_fn=_set_up(given[0] if tty else None),
        )
    except BaseException:
        for fd in {*(ours for ours, _ in reading), *((feeding,) if feeding is not None else ())}:
            os.close(fd)
        raise
    finally:
        for fd in theirs:
            os.close(fd)
    return Process(inner, [Outlet(fd, sink) for fd, sink in reading], feeding, terminal)


def _set_up(terminal: int | None) -> Callable[[], None]:
    dying = dying_with_us()

    def set_up() -> None:
        dying()
        if terminal is not None:
            os.setsid()  # here, and not by start_new_session: uvloop would do that after this
            fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)

    return set_up
