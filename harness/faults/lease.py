"""The injector's end of the watchdog's lease."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType

from harness.core.errors import InfraError
from harness.faults.watchdog import GOODBYE


class Lease(AbstractContextManager["Lease"]):
    """Holds a watchdog over the faults under `state` from entering to leaving.

    Entering returns once the watchdog runs, so a fault injected inside is watched from its first moment.
    Raises InfraError where it does not start: then nothing must be injected.
    """

    def __init__(self, state: Path) -> None:
        self._state = state
        self._fd = -1
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The watchdog's process id."""
        assert self._process is not None, "the lease is not held"
        return self._process.pid

    def __enter__(self) -> Lease:
        read_end, self._fd = os.pipe()  # not inheritable: no other child can keep the lease alive
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "harness.faults.watchdog", str(self._state.resolve()), str(read_end)],
                pass_fds=(read_end,),
                start_new_session=True,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        finally:
            os.close(read_end)
        assert self._process.stdout is not None
        with self._process.stdout as stdout:
            ready, _, _ = select.select([stdout], [], [], 20.0)
            if not ready or stdout.readline() != b"ready\n":
                os.close(self._fd)
                self._process.kill()
                self._process.wait()
                raise InfraError("the watchdog of the faults did not start", hint="windtunnel doctor")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.write(self._fd, GOODBYE)
        os.close(self._fd)
        assert self._process is not None
        # With a record still open the watchdog takes over here, retries included.
        self._process.wait()
