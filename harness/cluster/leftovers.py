"""What a cluster's processes leave when they are killed, found by a mark in their environment. stdlib only.

Run as a program (`python -m harness.cluster.leftovers FOLDER`) it waits until its standard input is closed, which
is when the cluster's own process is gone, however it went, and then ends what that left: PDEATHSIG reaches the
pods, not what these have started.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

MARK = "WINDTUNNEL_CLUSTER"


def mark(folder: Path, pid: int) -> str:
    """What every process of the cluster in `folder` carries: unique on the machine, also for two checkouts, and
    for a cluster that is started where another has just been killed (`pid` is its own process's)."""
    return f"{folder.resolve()}#{pid}"


def process_started(pid: int) -> int | None:
    """When a process began, in clock ticks since boot; None when it is gone or a zombie."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in ("Z", "X") else int(fields[19])


def sweep(folder: Path, pid: int | None = None) -> list[int]:
    """End what the dead cluster `pid` in `folder` left (None: any dead cluster there); returns the pids."""
    wanted = f"{MARK}={folder.resolve()}#{'' if pid is None else pid}".encode()
    ended = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            env = (entry / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if any(row == wanted or (pid is None and row.startswith(wanted)) for row in env):
            try:
                os.kill(int(entry.name), signal.SIGKILL)
                ended.append(int(entry.name))
            except ProcessLookupError:
                pass
    return ended


def main() -> int:
    """Wait for the end of the cluster's process, then sweep."""
    folder, pid = Path(sys.argv[1]), int(sys.argv[2])
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # whoever ends the cluster ends this by closing its input
    while os.read(0, 4096):
        pass
    # A process that was about to fork may have done so meanwhile: look until nothing is found.
    while sweep(folder, pid):
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
