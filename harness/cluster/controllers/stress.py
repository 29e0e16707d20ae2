"""Chaos Mesh's StressChaos: processes beside a container's own that burn CPU time and hold memory."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass, field

from harness.cluster.chaosmesh import selected, size_of
from harness.cluster.controllers.controller import Owned
from harness.cluster.manifests.documents import Json
from harness.cluster.metering import memory_limit
from harness.cluster.runtime.pod import PodRuntime

_BURN = """
import sys, time
share = float(sys.argv[1]) / 100
while True:
    began = time.monotonic()
    while time.monotonic() < began + 0.1 * share:
        pass
    time.sleep(max(0.0, began + 0.1 - time.monotonic()))
"""
_HOLD = "import sys, time; held = bytearray(b'x') * int(sys.argv[1]); time.sleep(1e6)"


@dataclass
class Stress(Owned):
    """Puts stressors into pods, and takes them out."""

    _pods: dict[str, list[PodRuntime]] = field(default_factory=dict)
    _starting: set[asyncio.Task[None]] = field(default_factory=set)

    def begin(self, name: str, body: Json) -> bool:
        """Start what the object asks for in the pods that it chooses; tells whether there are any."""
        self.end(name)
        spec = body["spec"]
        alive = {pod.body["metadata"]["name"]: pod for pod in self.pods.running.values() if not pod.terminating}
        bodies = [pod.body for pod in alive.values()]
        chosen = selected(spec.get("selector"), spec.get("mode"), spec.get("value"), bodies, self.pods.rng)
        self._pods[name] = [alive[pod] for pod in chosen]
        for pod in self._pods[name]:
            for container in spec.get("containerNames") or list(pod.states)[:1]:
                task = asyncio.get_running_loop().create_task(self._start(name, pod, container, spec["stressors"]))
                self._starting.add(task)
                task.add_done_callback(self._starting.discard)
        return bool(chosen)

    def end(self, name: str) -> None:
        """Take the stressors called `name` out again; safe to repeat."""
        for pod in self._pods.pop(name, []):
            pod.dismiss(name)

    async def _start(self, name: str, pod: PodRuntime, container: str, stressors: Json) -> None:
        cpu, memory = stressors.get("cpu") or {}, stressors.get("memory") or {}
        commands = [[sys.executable, "-c", _BURN, str(cpu.get("load", 100))]] * int(cpu.get("workers", 0))
        workers = int(memory.get("workers", 1)) if memory else 0
        if workers > 0:
            try:
                size = size_of(str(memory.get("size", "256MB")), memory_limit(pod, container))
            except ValueError as error:  # a share of a limit that this container has not
                self.pods.event(pod.name, "Warning", "Failed", f"stressor: {error}")
                return
            commands += [[sys.executable, "-c", _HOLD, str(size // workers)]] * workers
        for command in commands:
            try:
                await pod.invite(name, container, command)
            except OSError as error:
                self.pods.event(pod.name, "Warning", "Failed", f"stressor: {error}")
