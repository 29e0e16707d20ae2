"""Ports for pods: none is given twice, in this process or to another that asks here at the same time."""

from __future__ import annotations

import fcntl
import os
import secrets
import socket
import tempfile
import threading
from pathlib import Path

EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
LOWEST_PORT, BLOCK = 12_000, 128


class Ports:
    """Hands out ports of 127.0.0.1 that nobody listens on, one after the other.

    A pod listens only a second or more after it was told its port: a look at the kernel alone lets two clusters, or
    two pods of one, choose the same port meanwhile. So ports come from blocks, and a block belongs to one process: it
    holds a lock on the block's file, which the kernel opens when the process ends, however it ends.

    They lie below the range from which the kernel gives ports to outgoing connections, of which a cluster has
    hundreds: a pod that starts a second later, or anew, would else now and then find its port taken by one of them.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or Path(tempfile.gettempdir()) / f"windtunnel-ports-{os.getuid()}"
        self._alone = threading.Lock()
        self._left: list[int] = []
        self._locks: list[int] = []  # file descriptors, held to the end of the process

    def free(self) -> int:
        """A port; one of the kernel's choice where every block is taken."""
        with self._alone:
            while self._left or self._block():
                port = self._left.pop(0)
                if _nobody_listens(port):
                    return port
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return int(probe.getsockname()[1])

    def _block(self) -> bool:
        """Take one more block; False when there is none, or no place to note it."""
        try:
            ceiling = int(EPHEMERAL.read_text().split()[0])
        except (OSError, ValueError, IndexError):
            ceiling = 32_768
        blocks = (ceiling - LOWEST_PORT) // BLOCK
        first = secrets.randbelow(blocks) if blocks > 0 else 0
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            for number in range(blocks):
                start = LOWEST_PORT + (first + number) % blocks * BLOCK
                if self._lock(self._folder / str(start)):
                    self._left = list(range(start, start + BLOCK))
                    return True
        except OSError:
            pass
        return False

    def _lock(self, path: Path) -> bool:
        held = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(held)
            return False
        self._locks.append(held)
        return True


def _nobody_listens(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


_ports = Ports()


def free_port() -> int:
    """A port for a pod of this process; see Ports."""
    return _ports.free()
