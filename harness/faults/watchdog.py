"""The watchdog: undoes every fault on record when the process that injects them dies, however it dies.

    injector ── lease (a pipe; its end is the injector's death) ──> watchdog ── undo steps ──> target

`python -m harness.faults.watchdog <state> <lease fd>`: a small process in a session of its own, so that a
signal to the injector's group does not reach it, with the standard library and nothing else. It says `ready`
on stdout; a `q` on the lease is an orderly goodbye, the end of the lease without one is a death.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from harness.faults.undo_log import UndoLog

GOODBYE = b"q"


def watch(state: Path, lease: int) -> int:
    """Wait for the lease to end; after a death undo all. Returns 0, or 3 where something stays broken."""
    orderly = False
    while chunk := os.read(lease, 64):
        orderly = orderly or GOODBYE in chunk
    log = UndoLog(state)
    if orderly and not any(record.open for record in log.records()):
        return 0
    failed = False
    for record in log.records():
        if record.open:
            failed |= log.undo(record, by="watchdog").open
    return 3 if failed else 0


def main(arguments: list[str]) -> int:
    # Ctrl-C and a service manager's SIGTERM hit the whole tree: it is then that a watchdog is needed.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    state, lease = Path(arguments[0]), int(arguments[1])
    os.write(1, b"ready\n")
    os.close(1)
    return watch(state, lease)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
