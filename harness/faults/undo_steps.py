"""Undo steps: plain data that a process with nothing but the standard library can carry out.

A step is idempotent: carrying it out twice, or when there is nothing left to undo, is a success. So the harness,
the watchdog and `windtunnel heal` may all try the same step without asking each other.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

REQUEST_TIMEOUT_S = 5.0


class StepError(Exception):
    """A step failed. With `again` it may work in a moment: a slow or broken API, a socket that timed out."""

    def __init__(self, message: str, *, again: bool) -> None:
        super().__init__(message)
        self.again = again


@dataclass(frozen=True)
class HttpStep:
    """Send one request. Statuses in `ok` mean that the fault is gone; 404 belongs there for a DELETE.

    `state_file` is the local cluster's: when nothing listens at `url` any more and that file is missing or
    names a dead process, the broken thing itself is gone, and so the fault is.
    """

    method: str
    url: str
    ok: tuple[int, ...] = (200, 202, 204, 404)
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    state_file: str = ""
    do: str = "http"

    def carry_out(self) -> str:
        """Returns what happened, for people. Raises StepError."""
        data = None if self.body is None else json.dumps(self.body).encode()
        headers = {"Content-Type": "application/json"} if data is not None else {}
        request = urllib.request.Request(self.url, data=data, method=self.method, headers={**headers, **self.headers})
        try:
            with _opener().open(request, timeout=REQUEST_TIMEOUT_S) as response:
                status = int(response.status)
        except urllib.error.HTTPError as error:
            status = int(error.code)
            error.close()
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            if isinstance(reason, ConnectionRefusedError) and self._cluster_is_gone():
                return f"{self.url}: the cluster is gone, and the fault with it"
            raise StepError(f"{self.method} {self.url}: {reason!r}", again=True) from None
        if status in self.ok:
            return f"{self.method} {self.url}: {status}"
        again = status >= 500 or status in (408, 409, 429)
        raise StepError(f"{self.method} {self.url}: answered {status}", again=again)

    def _cluster_is_gone(self) -> bool:
        return bool(self.state_file) and not cluster_alive(Path(self.state_file))


@dataclass(frozen=True)
class SignalStep:
    """Send a signal to a process, told from a later process with the same pid by its start time."""

    pid: int
    start: int  # field 22 of /proc/<pid>/stat, clock ticks since boot
    number: int = int(signal.SIGKILL)
    do: str = "signal"

    def carry_out(self) -> str:
        """Returns what happened, for people. Raises StepError."""
        if start_time(self.pid) != self.start:
            return f"process {self.pid} is gone"
        try:
            os.kill(self.pid, self.number)
        except ProcessLookupError:
            return f"process {self.pid} is gone"
        except PermissionError:
            raise StepError(f"process {self.pid} may not be signalled", again=False) from None
        return f"sent {signal.Signals(self.number).name} to process {self.pid}"


@dataclass(frozen=True)
class RemoveStep:
    """Remove one file."""

    path: str
    do: str = "remove"

    def carry_out(self) -> str:
        """Returns what happened, for people. Raises StepError."""
        try:
            Path(self.path).unlink(missing_ok=True)
        except OSError as error:
            raise StepError(f"{self.path} cannot be removed: {error.strerror}", again=False) from None
        return f"removed {self.path}"


Step = HttpStep | SignalStep | RemoveStep


def to_json(step: Step) -> dict[str, Any]:
    """A step as it lies on disk."""
    return asdict(step)


def from_json(row: Mapping[str, Any]) -> Step:
    """A step read from disk. Raises ValueError for one that this version does not know."""
    kinds: dict[str, type[HttpStep] | type[SignalStep] | type[RemoveStep]] = {
        "http": HttpStep,
        "signal": SignalStep,
        "remove": RemoveStep,
    }
    kind = kinds.get(str(row.get("do")))
    if kind is None:
        raise ValueError(f"unknown undo step {row.get('do')!r}")
    values = dict(row)
    if "ok" in values:
        values["ok"] = tuple(values["ok"])
    try:
        return kind(**values)
    except TypeError as error:
        raise ValueError(f"malformed undo step: {error}") from None


def carry_out(step: Step, *, timeout_s: float, pause: Callable[[float], object] | None = None) -> str:
    """Carry out `step`, again and again while the trouble may pass, for at most `timeout_s` seconds.

    Returns what happened; raises StepError once it cannot be done. `pause` waits that many seconds.
    """
    wait = pause or threading.Event().wait
    deadline = time.monotonic() + timeout_s
    delay = 0.05
    while True:
        try:
            return step.carry_out()
        except StepError as error:
            if not error.again or time.monotonic() + delay > deadline:
                raise
        wait(delay)
        delay = min(delay * 2, 1.0)


def start_time(pid: int) -> int | None:
    """When the process began (clock ticks since boot); None where there is none, or only its corpse."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()  # the name in parentheses may hold anything
    return None if fields[0] in ("Z", "X") else int(fields[19])


def cluster_alive(state_file: Path) -> bool:
    """True while the process that the local cluster's state file names (`pid`, `pid_started`) lives."""
    try:
        row = json.loads(state_file.read_text())
        pid, started = int(row["pid"]), int(row["pid_started"])
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return start_time(pid) == started


def _opener() -> urllib.request.OpenerDirector:
    # No proxies: an undo must reach loopback whatever the environment says.
    return urllib.request.build_opener(urllib.request.ProxyHandler({}))
