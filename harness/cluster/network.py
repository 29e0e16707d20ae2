"""The cluster's network: services to ready pods, over edges that policies and faults act on."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from harness.cluster.chaosmesh import network_fault, on_edge
from harness.cluster.edges.edge import Backend, Edge
from harness.cluster.edges.faults import EdgeFault
from harness.cluster.manifests.documents import Json
from harness.cluster.policies import CLIENT, allowed
from harness.cluster.runtime.pod import PodRuntime
from harness.cluster.selectors import matches
from harness.cluster.store import Store
from harness.core.clock import Clock
from harness.core.errors import InfraError


@dataclass
class Network:
    """Opens edges, and answers for each connection which pod it goes to and whether it may."""

    store: Store
    namespace: str
    clock: Clock
    rng: random.Random
    pods: Callable[[], dict[str, PodRuntime]]
    edges: dict[tuple[str, str, int], Edge] = field(default_factory=dict)
    chaos: dict[str, tuple[Json, set[str], set[str] | None]] = field(default_factory=dict)
    standing: dict[str, tuple[str | None, str | None, EdgeFault]] = field(default_factory=dict)
    _turns: dict[tuple[str, int], itertools.count[int]] = field(default_factory=dict)
    _opening: set[asyncio.Task[None]] = field(default_factory=set)

    def services(self) -> dict[str, list[int]]:
        """Each service's ports."""
        rows = self.store.list("services", self.namespace)
        return {
            row["metadata"]["name"]: [int(p["port"]) for p in row["spec"].get("ports") or ()]
            for row in rows
            if row["spec"].get("selector")  # one without leads to no pod
        }

    def edge_port(self, source: str, service: str, port: int) -> int:
        """The local port of the edge from `source` to a service's port; opened at the first call."""
        key = (source, service, port)
        if key not in self.edges:
            edge = self._make(*key)
            listening = edge.listen_now()
            self.edges[key] = edge
            self.put_chaos(edge)
            task = asyncio.get_running_loop().create_task(edge.serve(listening))
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)
        return self.edges[key].listen_port

    async def open_client(self, service: str, port: int, wanted: int = 0) -> Edge:
        """The edge for callers from outside, at a fixed port where one is asked for."""
        edge = self._make(CLIENT, service, port)
        try:
            await edge.open(wanted)
        except OSError as error:
            raise InfraError(
                f"port {wanted} for service {service} is taken: {error.strerror}",
                hint=f"stop what listens there, or change [target.local.ports] {service}",
            ) from None
        self.edges[CLIENT, service, port] = edge
        self.put_chaos(edge)
        return edge

    def stand(self, name: str, source: str | None, service: str | None, fault: EdgeFault) -> list[Edge]:
        """Put a fault on the edges from `source` to `service`, also on those that are opened later, as by a pod
        that is started again. Returns the edges that there are; with none of them nothing stands."""
        hit = [edge for edge in self.edges.values() if self._between(edge, source, service)]
        if hit:
            self.standing[name] = (source, service, fault)
        for edge in hit:
            edge.set_fault(name, fault)
        return hit

    def fall(self, name: str) -> int:
        """Take a standing fault off; returns from how many edges."""
        self.standing.pop(name, None)
        return sum(edge.clear_fault(name) for edge in self.edges.values())

    def workload(self, pod: str) -> str:
        """The workload that a pod belongs to; empty for what is no pod."""
        runtime = self.pods().get(pod)
        return runtime.workload if runtime else ""

    def _between(self, edge: Edge, source: str | None, service: str | None) -> bool:
        """By workload (or pod, or `client`) and service; None stands for any source but the client, any service."""
        if service is not None and edge.service != service:
            return False
        return edge.source != CLIENT if source is None else source in (edge.source, self.workload(edge.source))

    def put_chaos(self, edge: Edge) -> None:
        """Put every NetworkChaos and every standing fault that concerns `edge` on it."""
        for name, (source, service, fault) in self.standing.items():
            if self._between(edge, source, service):
                edge.set_fault(name, fault)
        body = self.store.find("services", self.namespace, edge.service)
        behind = {pod.name for pod in self._behind(body)} if body else set()
        for name, (spec, chosen, targets) in self.chaos.items():
            if on_edge(spec, chosen, targets, edge.source, behind):
                edge.set_fault(name, network_fault(spec))

    def _make(self, source: str, service: str, port: int) -> Edge:
        return Edge(
            source,
            service,
            port,
            resolve=lambda: self.backend(service, port),
            blocked=lambda pod: self._blocked(source, pod, service, port),
            clock=self.clock,
            rng=random.Random(self.rng.random()),
        )

    def backend(self, service: str, port: int) -> Backend | None:
        """The next ready pod behind a service's port, in turn; None when there is none."""
        body = self.store.find("services", self.namespace, service)
        if body is None:
            return None
        ready = [pod for pod in self._behind(body) if pod.ready]
        if not ready:
            return None
        turn = self._turns.setdefault((service, port), itertools.count())
        pod = ready[next(turn) % len(ready)]
        real = pod.ports.get(self.target_port(body, port, pod.body))
        return None if real is None else Backend(pod.name, "127.0.0.1", real)

    def _behind(self, service: Json) -> list[PodRuntime]:
        selector = service["spec"].get("selector")
        if not selector:
            return []
        space = service["metadata"].get("namespace", self.namespace)
        return [
            pod
            for _, pod in sorted(self.pods().items())
            if pod.body["metadata"]["namespace"] == space and matches(selector, pod.body["metadata"].get("labels"))
        ]

    def target_port(self, service: Json, port: int, pod: Json) -> int:
        """The container port that a service's port leads to."""
        entry: Json = next((p for p in service["spec"].get("ports") or () if int(p["port"]) == port), {})
        target = entry.get("targetPort", port)
        if isinstance(target, str) and not target.isdigit():
            for container in pod["spec"].get("containers") or ():
                for candidate in container.get("ports") or ():
                    if candidate.get("name") == target:
                        return int(candidate["containerPort"])
            return -1
        return int(target)

    def endpoints(self, service: Json) -> tuple[list[PodRuntime], list[PodRuntime]]:
        """The pods behind a service: ready ones, and the others."""
        behind = self._behind(service)
        return [pod for pod in behind if pod.ready], [pod for pod in behind if not pod.ready and not pod.terminating]

    def _blocked(self, source: str, destination: str, service: str, port: int) -> bool:
        policies = self.store.list("networkpolicies", self.namespace)
        if not policies:
            return False
        pods = self.pods()
        target = pods.get(destination)
        body = self.store.find("services", self.namespace, service)
        if target is None or body is None:
            return False
        caller = pods.get(source)
        namespaces = {
            row["metadata"]["name"]: row["metadata"].get("labels") or {} for row in self.store.list("namespaces")
        }
        return not allowed(
            policies,
            caller.body if caller else None,
            target.body,
            port=self.target_port(body, port, target.body),
            namespaces=namespaces,
        )

    def drop(self, pod: str) -> None:
        """Close the edges that a pod had; it is gone."""
        for key in [key for key in self.edges if key[0] == pod]:
            self.edges.pop(key).close()

    def close(self) -> None:
        """Close every edge."""
        for edge in self.edges.values():
            edge.close()
        self.edges.clear()
