"""The state file: how a running cluster is found again, and how a dead one's leftovers are."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from harness.cluster.leftovers import process_started
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
