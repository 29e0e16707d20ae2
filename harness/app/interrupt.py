"""Ctrl-C and SIGTERM: the first asks everything to stop and undo, the second does not wait."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

EXIT_INTERRUPTED = 130


@contextmanager
def graceful_stop(stop: asyncio.Event) -> Iterator[list[str]]:
    """While the block runs, the first SIGINT or SIGTERM sets `stop`; a third ends the process at once.

    A second signal is taken for impatience and only noted: undoing a fault is worth a few seconds. The list
    that is given holds the names of the signals so far. Must be entered in the main thread, inside a loop.
    """
    loop = asyncio.get_running_loop()
    seen: list[str] = []

    def asked(number: signal.Signals) -> None:
        seen.append(number.name)
        stop.set()
        if len(seen) >= 3:
            # The watchdog undoes what is left; the cluster's children end with their parent.
            os._exit(EXIT_INTERRUPTED)

    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    for number in signals:
        loop.add_signal_handler(number, asked, number)
    try:
        yield seen
    finally:
        for number in signals:
            loop.remove_signal_handler(number)
