"""Child processes that end with the process that started them, however that ends."""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def dying_with_us(number: signal.Signals = signal.SIGKILL) -> Callable[[], None]:
    """A `preexec_fn`: the kernel sends the child `number` when the calling process is gone, SIGKILL included.

    Linux only (`prctl(2)`, PR_SET_PDEATHSIG); elsewhere the child is told only by its standard input. The signal
    follows the thread that forks, so start such children from the main thread. What the child itself has started
    gets nothing.
    """
    parent = os.getpid()
    prctl = getattr(_libc, "prctl", None)

    def set_up() -> None:
        if prctl is None:
            return
        prctl(_PR_SET_PDEATHSIG, int(number))
        if os.getppid() != parent:  # it ended between fork and prctl: nobody will send anything
            os._exit(1)

    return set_up
