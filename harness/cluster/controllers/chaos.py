"""Chaos Mesh's objects: a NetworkChaos puts faults on edges, a PodChaos ends pods."""

from __future__ import annotations

from dataclasses import dataclass

from harness.cluster.chaosmesh import selected
from harness.cluster.controllers.controller import Owned
from harness.cluster.manifests.documents import Json
from harness.cluster.network import Network


@dataclass
class Chaos(Owned):
    """Acts when such an object is made, changed or gone."""

    network: Network

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
        conditions = [
            {"type": "Selected", "status": "True" if chosen else "False"},
            {"type": "AllInjected", "status": "True" if chosen else "False"},
            {"type": "AllRecovered", "status": "False"},
            {"type": "Paused", "status": "False"},
        ]
        self.set_status("networkchaos", body, {"conditions": conditions})

    def network_healed(self, body: Json) -> None:
        """The object is gone: so is what it did."""
        self.network.chaos.pop(_name(body), None)
        self._clear(_name(body))

    def pod_chaos(self, body: Json) -> None:
        """Kill the pods that the object chooses."""
        spec = body["spec"]
        grace = 0.0 if spec["action"] == "pod-failure" else float(spec.get("gracePeriod", 0))
        alive = {pod.body["metadata"]["name"]: pod for pod in self.pods.running.values() if not pod.terminating}
        bodies = [pod.body for pod in alive.values()]
        for name in selected(spec.get("selector"), spec.get("mode"), spec.get("value"), bodies, self.pods.rng):
            self.pods.delete(alive[name].body["metadata"]["namespace"], name, grace)

    def _clear(self, name: str) -> None:
        for edge in self.network.edges.values():
            edge.clear_fault(name)


def _name(body: Json) -> str:
    return f"chaos/{body['metadata'].get('namespace', '')}/{body['metadata']['name']}"
