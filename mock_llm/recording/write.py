"""A recording on disk: each exchange is one append, flushed to the disk before the next."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from mock_llm.recording.layout import entry, head
from mock_llm.recording.read import read_recording
from mock_llm.recording.tape import Recorded

Existing = Literal["refuse", "append", "overwrite"]


class Writer:
    """A recording that is being made. `count` exchanges are in the file, `last` is the highest number."""

    def __init__(self, path: Path, upstream: str, now: float, existing: Existing = "refuse") -> None:
        """Raises FileExistsError where there is a file already and nobody said what to do with it.

        append: also raises RecordingError, where the file is no recording. Another OSError: it cannot be written.
        """
        self.path = path
        self.count = 0
        self.last = 0
        if path.exists() and existing == "refuse":
            raise FileExistsError(f"{path} exists; say whether to append to it or to overwrite it")
        if path.exists() and existing == "append":
            before = read_recording(path).exchanges
            self.count, self.last = len(before), max((one.number for one in before), default=0)
        else:
            _replace(path, head(upstream, datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")).encode())

    def add(self, recorded: Recorded) -> None:
        """Append an exchange and flush it. An append that fails half-way is undone. Raises OSError."""
        data = entry(recorded).encode()
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND)
        try:
            size = os.fstat(file).st_size
            try:
                left = data
                while left:
                    left = left[os.write(file, left) :]
                os.fsync(file)
            except OSError:
                os.ftruncate(file, size)
                raise
        finally:
            os.close(file)
        self.count += 1


def _replace(path: Path, data: bytes) -> None:
    """Write a file so that either the old one is there or the whole of the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with beside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
