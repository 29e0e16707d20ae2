"""What processes use: CPU time and memory, read from /proc. stdlib only."""

from __future__ import annotations

import os
from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
WINDOW_S = 5.0  # over which a rate of CPU time is averaged


@dataclass(frozen=True)
class Use:
    """CPU seconds since the start, and bytes in memory: all, and those that are no file's (what a limit counts)."""

    cpu_s: float = 0.0
    resident: int = 0
    own: int = 0

    def __add__(self, other: Use) -> Use:
        return Use(self.cpu_s + other.cpu_s, self.resident + other.resident, self.own + other.own)


def memory_of(pid: int) -> tuple[int, int]:
    """A process's bytes in memory, all and its own; zeros when it is gone."""
    try:
        fields = Path(f"/proc/{pid}/statm").read_text().split()
    except OSError:
        return 0, 0
    resident, shared = int(fields[1]), int(fields[2])
    return resident * PAGE, max(0, resident - shared) * PAGE


def used_by(heads: Iterable[int]) -> dict[int, Use]:
    """What each process of `heads` uses, with all that it started and all in its session. Those that are gone miss."""
    wanted, parents, rows = set(heads), {}, {}
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit():
            continue
        try:
            text = Path(entry.path, "stat").read_text()
        except OSError:
            continue
        pid, fields = int(entry.name), text.rpartition(")")[2].split()
        if fields[0] not in ("Z", "X"):
            parents[pid], rows[pid] = int(fields[1]), fields
    found: dict[int, Use] = defaultdict(Use)
    for pid, fields in rows.items():
        head = _head(pid, wanted, parents, int(fields[3]))
        if head is not None:
            ticks = sum(int(value) for value in fields[11:15])
            found[head] += Use(ticks / TICKS, *memory_of(pid))
    return dict(found)


def _head(pid: int, wanted: set[int], parents: dict[int, int], session: int) -> int | None:
    if session in wanted:
        return session
    here: int | None = pid
    while here:
        if here in wanted:
            return here
        here = parents.get(here)
    return None


@dataclass
class Meter:
    """One process's use over time."""

    last: Use = field(default_factory=Use)
    _seen: deque[tuple[float, float]] = field(default_factory=deque)

    def saw(self, now: float, use: Use) -> None:
        """Take a reading of the moment `now`, in seconds."""
        self.last = use
        self._seen.append((now, use.cpu_s))
        while len(self._seen) > 2 and self._seen[1][0] <= now - WINDOW_S:
            self._seen.popleft()

    @property
    def cores(self) -> float | None:
        """CPU seconds per second, over the last seconds; None after fewer than two readings."""
        if len(self._seen) < 2 or self._seen[-1][0] <= self._seen[0][0]:
            return None
        return max(0.0, (self._seen[-1][1] - self._seen[0][1]) / (self._seen[-1][0] - self._seen[0][0]))
