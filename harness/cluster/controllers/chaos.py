"""Chaos Mesh's objects: a NetworkChaos puts faults on edges, a PodChaos ends pods, a StressChaos burns and holds."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from dataclasses import dataclass

from harness.cluster.chaosmesh import milliseconds, selected
from harness.cluster.controllers.controller import Owned
from harness.cluster.controllers.stress import Stress
from harness.cluster.manifests.documents import Json
from harness.cluster.network import Network


@dataclass
class Chaos(Owned):
    """Acts when such an object is made, changed or gone."""

    network: Network
    stress: Stress

    def network_chaos(self, body: Json) -> None:
        """Put what the object asks for on the edges it chooses, now and as they are opened."""
        spec, name = body["spec"], _name(body)
        self._clear(name)
        pods = [pod.body for pod in self.pods.running.values()]
        chosen = set(selected(spec.get("selector"), spec.get("mode"), spec.get("value"), pods, self.pods.rng))
        target, targets = spec.get("target"), None
        if target:
            mode, value = target.get("mode"), target.get("value")
            targets = set(selected(target.get("selector"), mode, value, pods, self.pods.rng))
        self.network.chaos[name] = (spec, chosen, targets)
        for edge in self.network.edges.values():
            self.network.put_chaos(edge)
        self._tell("networkchaos", body, injected=bool(chosen))
        self._until("networkchaos", body, lambda: self.network_healed(body))

    def _tell(self, plural: str, body: Json, *, injected: bool, recovered: bool = False) -> None:
        conditions = [
            {"type": "Selected", "status": str(injected or recovered)},
            {"type": "AllInjected", "status": str(injected)},
            {"type": "AllRecovered", "status": str(recovered)},
            {"type": "Paused", "status": "False"},
        ]
        self.set_status(plural, body, {"conditions": conditions})

    def _until(self, plural: str, body: Json, heal: Callable[[], None]) -> None:
        """Heal what lasts for spec.duration when that is over, if the object is still the same by then."""
        seconds = milliseconds(body["spec"].get("duration")) / 1000
        generation = body["metadata"].get("generation")

        def over() -> None:
            now = self.store.find(plural, body["metadata"]["namespace"], body["metadata"]["name"])
            same = now is not None and now["metadata"]["uid"] == body["metadata"]["uid"]
            if now is not None and same and now["metadata"].get("generation") == generation:
                heal()
                self._tell(plural, now, injected=False, recovered=True)

        if seconds:
            asyncio.get_running_loop().call_later(seconds, over)

    def network_healed(self, body: Json) -> None:
        """The object is gone: so is what it did."""
        self.network.chaos.pop(_name(body), None)
        self._clear(_name(body))

    def stress_chaos(self, body: Json) -> None:
        """Burn and hold what the object asks for in the pods it chooses."""
        self._tell("stresschaos", body, injected=self.stress.begin(_name(body), body))
        self._until("stresschaos", body, lambda: self.stress_healed(body))

    def stress_healed(self, body: Json) -> None:
        """The object is gone: so is what it did."""
        self.stress.end(_name(body))

    def pod_chaos(self, body: Json) -> None:
        """Kill the pods that the object chooses."""
        spec = body["spec"]
        grace = 0.0 if spec["action"] == "pod-failure" else float(spec.get("gracePeriod", 0))
        alive = {pod.body["metadata"]["name"]: pod for pod in self.pods.running.values() if not pod.terminating}
        bodies = [pod.body for pod in alive.values()]
        for name in selected(spec.get("selector"), spec.get("mode"), spec.get("value"), bodies, self.pods.rng):
            if spec["action"] == "container-kill":
                for state in alive[name].states.values():
                    if state.process is not None and state.name in spec.get("containerNames", ()):
                        state.process.signal(signal.SIGKILL)
            else:
                self.pods.delete(alive[name].body["metadata"]["namespace"], name, grace)

    def _clear(self, name: str) -> None:
        for edge in self.network.edges.values():
            edge.clear_fault(name)


def _name(body: Json) -> str:
    return f"chaos/{body['metadata'].get('namespace', '')}/{body['metadata']['name']}"
