"""The state file: how a running cluster is found again, and how a dead one's leftovers are."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from harness.evidence.rundir import write_atomically


class ClusterState(BaseModel):
    """What `.windtunnel/clusters/<name>/state.json` holds while the cluster runs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    namespace: str
    pid: int
    pid_started: int  # clock ticks since boot: with it a recycled pid is not taken for the cluster
    kube_api: str
    kubeconfig: str
    control: str
    token: str


def state_file(state_dir: Path, name: str) -> Path:
    return state_dir / "clusters" / name / "state.json"


def read_state(state_dir: Path, name: str) -> ClusterState | None:
    """The state of a cluster whose process is alive; None otherwise."""
    try:
        state = ClusterState.model_validate_json(state_file(state_dir, name).read_text())
    except (FileNotFoundError, ValidationError):
        return None
    return state if process_started(state.pid) == state.pid_started else None


def write_state(state_dir: Path, state: ClusterState) -> None:
    file = state_file(state_dir, state.name)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(file, state.model_dump_json(indent=2) + "\n")


def process_started(pid: int) -> int | None:
    """When a process began, in clock ticks since boot; None when it is gone or a zombie."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in ("Z", "X") else int(fields[19])


def sweep(name: str) -> list[int]:
    """End every process that a dead cluster `name` left: they carry its name in their environment."""
    marker = f"WINDTUNNEL_CLUSTER={name}".encode()
    ended = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            env = (entry / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if marker in env:
            try:
                os.kill(int(entry.name), signal.SIGKILL)
                ended.append(int(entry.name))
            except ProcessLookupError:
                pass
    return ended
