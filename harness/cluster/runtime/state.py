"""What is known of a pod's containers, and what a pod needs from the cluster around it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.cluster.manifests.documents import Json
from harness.cluster.runtime import process
from harness.cluster.spec import ClusterSpec
from harness.cluster.store import Store
from harness.core.clock import Clock


@dataclass
class ContainerState:
    """What is known of one container; becomes its containerStatus."""

    name: str
    process: process.Process | None = None
    started: bool = False
    ready: bool = False
    restarts: int = 0
    started_at: str = ""
    waiting: str = "ContainerCreating"
    message: str = ""
    last_exit: int | None = None
    finished_at: str = ""
    out_of_memory: bool = False  # this run was ended for holding more than its limit
    last_reason: str = ""
    done: bool = False  # ended for good (restartPolicy)
    probe_saw: str = ""

    @property
    def alive(self) -> bool:
        """True while its process runs."""
        return self.process is not None and self.process.running


@dataclass
class Surroundings:
    """What a pod needs from the cluster around it."""

    spec: ClusterSpec
    store: Store
    clock: Clock
    folder: Path
    services: Callable[[], Mapping[str, Iterable[int]]]
    edge: Callable[[str, str, int], int]  # (pod, service, port) -> local port
    changed: Callable[[str], None]  # the pod's status changed
    event: Callable[[str, str, str, str], None]  # pod, type, reason, message


def named_ports(container: Json) -> dict[str, int]:
    """A container's ports that have a name."""
    return {p["name"]: int(p["containerPort"]) for p in container.get("ports") or () if "name" in p}
