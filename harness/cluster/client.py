"""How the harness starts, finds and speaks to a local cluster."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from harness.cluster.edges.faults import EdgeFault
from harness.cluster.leftovers import process_started, sweep
from harness.cluster.spec import ClusterSpec
from harness.cluster.state import ClusterState, read_state, state_file
from harness.core.clock import Clock
from harness.core.errors import EXIT_USAGE, ConfigError, InfraError

STOP_TIMEOUT_S = 20.0
SILENT_S = 10.0  # how much longer than its own limit the cluster may say nothing


@dataclass(frozen=True)
class ClusterHandle:
    """A running cluster. Every call raises InfraError when the cluster does not answer."""

    state: ClusterState
    state_dir: Path
    process: subprocess.Popen[str] | None = None

    @property
    def kube_api(self) -> str:
        return self.state.kube_api

    @property
    def kubeconfig(self) -> str:
        return self.state.kubeconfig

    def status(self) -> dict[str, Any]:
        """Services with URLs for callers from outside, pods with pids, what is not ready."""
        status: dict[str, Any] = self._call("GET", "status")
        return status

    def edges(self) -> list[dict[str, Any]]:
        """Every edge with its faults and what it saw."""
        rows: list[dict[str, Any]] = self._call("GET", "edges")["edges"]
        return rows

    def put_edge_fault(
        self, name: str, fault: EdgeFault, *, source: str | None = None, service: str | None = None
    ) -> int:
        """Put `fault` under `name` on the edges from `source` (workload, pod or `client`; None: all pods) to
        `service` (None: all); returns how many. Raises InfraError when there is no such edge."""
        body = {"source": source, "service": service, "fault": fault.model_dump()}
        return len(self._call("PUT", f"faults/{name}", body)["edges"])

    def clear_edge_fault(self, name: str) -> int:
        """Take the faults called `name` off; returns from how many edges. Safe to repeat."""
        return int(self._call("DELETE", f"faults/{name}")["cleared"])

    def stop(self) -> None:
        """Ask the cluster to end and wait until it has; after 20 s it is killed, and what it left is swept."""
        pid = self.state.pid
        if process_started(pid) == self.state.pid_started:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        if self.process is not None:
            try:
                self.process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            if self.process.stdout is not None:
                self.process.stdout.close()
        else:
            _wait_gone(pid, self.state.pid_started)
        sweep(state_file(self.state_dir, self.state.name).parent)
        state_file(self.state_dir, self.state.name).unlink(missing_ok=True)

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        url = f"{self.state.control}/{path}"
        try:
            response = httpx.request(
                method, url, json=body, headers={"authorization": f"Bearer {self.state.token}"}, timeout=10
            )
        except httpx.HTTPError as error:
            raise InfraError(
                f"the local cluster does not answer: {type(error).__name__}",
                hint=f"its log: {state_file(self.state_dir, self.state.name).parent / 'cluster.log'}",
            ) from None
        if response.status_code >= 400:
            raise InfraError(f"the local cluster refused {method} {path}: {response.text[:500]}")
        return response.json()


def _wait_gone(pid: int, started: int) -> None:
    """Wait for a process that is not our child; kill it when it takes too long."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        if process_started(pid) == started and not select.select([fd], [], [], STOP_TIMEOUT_S)[0]:
            os.kill(pid, signal.SIGKILL)
            select.select([fd], [], [], 5)
    finally:
        os.close(fd)


def connect(state_dir: Path, name: str) -> ClusterHandle | None:
    """The running cluster `name`, or None."""
    state = read_state(state_dir, name)
    return None if state is None else ClusterHandle(state, state_dir)


def start_cluster(
    spec: ClusterSpec,
    *,
    state_dir: Path,
    clock: Clock,
    on_progress: Callable[[str], None] = lambda text: None,
    stopped: Callable[[], bool] = lambda: False,
    detach: bool = False,
) -> ClusterHandle:
    """Start a cluster and return when all of it is ready.

    With `detach` it outlives this process. `stopped` is asked several times a second; when it says True the
    start is given up and InfraError raised. Raises ConfigError or InfraError with what the cluster said.
    """
    if read_state(state_dir, spec.name) is not None:
        raise InfraError(f"a cluster {spec.name!r} is running already", hint="`windtunnel down` stops it")
    folder = state_file(state_dir, spec.name).parent
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "spec.json"
    file.write_text(spec.model_dump_json())
    argv = [
        sys.executable,
        "-m",
        "harness.cluster.daemon",
        "--spec",
        str(file),
        "--state-dir",
        str(state_dir),
    ]
    if not detach:
        argv += ["--parent", str(os.getpid())]
    with (folder / "cluster.log").open("w") as log:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
        )
    try:
        _wait_ready(process, spec, clock, on_progress, stopped, folder / "cluster.log")
    except BaseException:
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()
        sweep(folder)
        raise
    state = read_state(state_dir, spec.name)
    if state is None:
        raise InfraError("the local cluster ended right after it was ready", hint=f"see {folder / 'cluster.log'}")
    return ClusterHandle(state, state_dir, process)


def _wait_ready(
    process: subprocess.Popen[str],
    spec: ClusterSpec,
    clock: Clock,
    on_progress: Callable[[str], None],
    stopped: Callable[[], bool],
    log: Path,
) -> None:
    assert process.stdout is not None
    deadline = clock.monotonic() + spec.ready_timeout_s + SILENT_S
    # Read past Python's buffer: two lines in one read would leave the second where select() cannot see it.
    fd, unread = process.stdout.fileno(), b""
    while clock.monotonic() < deadline:
        if stopped():
            raise InfraError("stopped while the cluster was starting")
        if b"\n" not in unread:
            if select.select([fd], [], [], 0.2)[0]:
                more = os.read(fd, 65536)
                unread += more
                if not more:
                    tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
                    raise InfraError(f"the local cluster ended while starting\n{tail}", hint=f"see {log}")
            continue
        line, _, unread = unread.partition(b"\n")
        row = json.loads(line)
        match row["event"]:
            case "ready":
                return
            case "waiting":
                on_progress(f"waiting for {row['for']}")
            case "failed" if row["exit_code"] == EXIT_USAGE:
                raise ConfigError(row["message"], hint=row["hint"])
            case "failed":
                raise InfraError(row["message"], hint=row["hint"])
    raise InfraError(f"the local cluster said nothing for {spec.ready_timeout_s + SILENT_S:g} s", hint=f"see {log}")
