"""What each container uses, and the end of one that uses more memory than it may."""

from __future__ import annotations

import signal
from dataclasses import dataclass, field

from harness.cluster.manifests.documents import Json
from harness.cluster.pods import Pods
from harness.cluster.quantities import quantity
from harness.cluster.runtime.pod import PodRuntime
from harness.cluster.runtime.state import ContainerState
from harness.cluster.runtime.usage import Meter, Use, memory_of, used_by

LOOK_S = 0.25  # between looks at the containers that have a limit
FULL_LOOKS = 4  # every so many looks all containers are metered, with all that they started


@dataclass
class Metering:
    """Meters the running containers; `look` is called every LOOK_S.

    A memory limit counts what a container's processes hold and no file does, as a cgroup does that cannot reclaim it;
    one that goes over it is killed with SIGKILL, and its status says OOMKilled.
    """

    pods: Pods
    meters: dict[int, Meter] = field(default_factory=dict)  # by pid
    _looks: int = 0

    def look(self) -> None:
        """Meter what runs."""
        running = [
            (pod, state, state.process.pid)
            for pod in self.pods.running.values()
            for state in pod.states.values()
            if state.process is not None and state.process.running
        ]
        if self._looks % FULL_LOOKS == 0:
            now, used = self.pods.clock.monotonic(), self._used(running)
            self.meters = {pid: self.meters.get(pid) or Meter() for _, _, pid in running}
            for pid, use in used.items():
                self.meters[pid].saw(now, use)
            own = {pid: use.own for pid, use in used.items()}
        else:
            own = {}
        self._looks += 1
        for pod, state, pid in running:
            limit = memory_limit(pod, state.name)
            if limit and max(own.get(pid, 0), memory_of(pid)[1]) > limit:
                self._kill(pod, state, limit)

    def _used(self, running: list[tuple[PodRuntime, ContainerState, int]]) -> dict[int, Use]:
        """What each container uses by the pid of its process: its own, and its guests'."""
        guests = {
            (pod.name, container): [other.pid for _, beside, other in pod.guests if beside == container]
            for pod, state, _ in running
            for container in (state.name,)
        }
        found = used_by([*(pid for _, _, pid in running), *(pid for pids in guests.values() for pid in pids)])
        return {
            pid: sum((found.get(guest, Use()) for guest in guests[pod.name, state.name]), found.get(pid, Use()))
            for pod, state, pid in running
        }

    def _kill(self, pod: PodRuntime, state: ContainerState, limit: int) -> None:
        if state.process is None:
            return
        state.out_of_memory = True
        self.pods.event(pod.name, "Warning", "OOMKilling", f"{state.name} holds more than its limit of {limit} bytes")
        state.process.signal(signal.SIGKILL)

    def of(self, pod: PodRuntime) -> dict[str, Meter]:
        """The meters of a pod's containers that run and were metered."""
        found = {}
        for name, state in pod.states.items():
            meter = self.meters.get(state.process.pid) if state.process and state.process.running else None
            if meter is not None and meter.cores is not None:
                found[name] = meter
        return found


def container_of(pod: PodRuntime, name: str) -> Json:
    """A container's manifest."""
    return next((c for c in pod.body["spec"]["containers"] if c["name"] == name), {})


def memory_limit(pod: PodRuntime, name: str) -> int:
    """The bytes that a container may hold; 0 where nothing limits it."""
    limits = (container_of(pod, name).get("resources") or {}).get("limits") or {}
    try:
        return int(quantity(limits.get("memory", 0)))
    except ValueError:
        return 0


def request(pod: PodRuntime, name: str, resource: str) -> float:
    """What a container asks for of a resource (its limit, where it asks for nothing); 0 where it says neither."""
    given = container_of(pod, name).get("resources") or {}
    for group in ("requests", "limits"):
        if resource in (given.get(group) or {}):
            return float(quantity(given[group][resource]))
    return 0.0
