"""Ports for pods."""

from __future__ import annotations

import secrets
import socket
from pathlib import Path

EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
LOWEST_PORT, PORT_TRIES = 12_000, 100


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on now.

    Below the range from which the kernel gives ports to outgoing connections, of which a cluster has hundreds: a pod
    that starts a second later, or anew, would else now and then find its port taken by one of them.
    """
    try:
        ceiling = int(EPHEMERAL.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        ceiling = 32_768
    for _ in range(PORT_TRIES):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", LOWEST_PORT + secrets.randbelow(max(1, ceiling - LOWEST_PORT))))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
