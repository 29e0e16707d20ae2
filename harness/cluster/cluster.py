"""The local cluster: its objects, its controllers, its network."""

from __future__ import annotations

import asyncio
import copy
import os
import random
from dataclasses import dataclass, field
from pathlib import Path

from harness.cluster.admission import image_problem, prepared
from harness.cluster.controllers.autoscalers import SYNC_S, Autoscalers
from harness.cluster.controllers.budgets import Budgets
from harness.cluster.controllers.chaos import Chaos
from harness.cluster.controllers.controller import Controller
from harness.cluster.controllers.deployments import Deployments
from harness.cluster.controllers.endpoints import Endpoints
from harness.cluster.controllers.jobs import Jobs
from harness.cluster.controllers.replicas import Replicas
from harness.cluster.controllers.statefulsets import StatefulSets
from harness.cluster.controllers.stress import Stress
from harness.cluster.kubeapi.versions import kept_as
from harness.cluster.manifests.documents import Document, Json
from harness.cluster.manifests.kustomize import containers_of, load
from harness.cluster.measures import Measures
from harness.cluster.metering import LOOK_S, Metering
from harness.cluster.network import Network
from harness.cluster.objects import Objects
from harness.cluster.pods import Pods
from harness.cluster.policies import CLIENT
from harness.cluster.resources import Catalogue
from harness.cluster.runtime.images import command_of
from harness.cluster.runtime.pod import PodRuntime
from harness.cluster.spec import ClusterSpec
from harness.cluster.store import Store
from harness.cluster.system import MIRROR, namespace, node, system_pod, system_service
from harness.core.clock import Clock
from harness.core.errors import ConfigError, InfraError

CRASHES = 5  # exits of a container after which waiting for it to get ready is given up


@dataclass
class LocalCluster:
    """Objects become processes: controllers make pods of Deployments and their kin, pods become processes.

    `start` loads the manifests, `reconcile` brings what runs in line with the objects (call it after every
    change to them), `stop` ends everything.
    """

    spec: ClusterSpec
    clock: Clock
    folder: Path
    rng: random.Random
    store: Store = field(init=False)
    catalogue: Catalogue = field(default_factory=Catalogue)
    network: Network = field(init=False)
    runtime: Pods = field(init=False)
    objects: Objects = field(init=False)
    budgets: Budgets = field(init=False)
    chaos: Chaos = field(init=False)
    metering: Metering = field(init=False)
    autoscalers: Autoscalers = field(init=False)
    pods: dict[str, PodRuntime] = field(default_factory=dict)
    _controllers: tuple[Controller, ...] = ()
    _settling: bool = False

    def __post_init__(self) -> None:
        self.store = Store(self.clock)
        rng = random.Random(self.rng.random())
        self.network = Network(self.store, self.spec.namespace, self.clock, rng, lambda: self.pods)
        self.runtime = Pods(
            self.spec, self.clock, self.folder, self.rng, self.store, self.network, self.reconcile, self.pods
        )
        self.objects = Objects(self.store, self.runtime, self.catalogue, self._gone)
        self.budgets = Budgets(self.store, self.runtime)
        self.chaos = Chaos(self.store, self.runtime, self.network, Stress(self.store, self.runtime))
        self.metering = Metering(self.runtime)
        self.autoscalers = Autoscalers(self.store, self.runtime, Measures(self.runtime, self.metering))
        kinds = (Deployments, Replicas, StatefulSets, Jobs)
        endpoints = Endpoints(self.store, self.runtime, self.network)
        self._controllers = (*(kind(self.store, self.runtime) for kind in kinds), self.budgets, endpoints)

    @property
    def failure(self) -> Exception | None:
        """What the first pod died of that cannot be mended by starting it again."""
        return self.runtime.failure

    # -- objects -------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Load the manifests and start what they describe. Raises ConfigError naming file and line."""
        self.store.create("nodes", node(self.store.now(), os.cpu_count() or 1, _memory_kib()))
        documents = [document for path in self.spec.manifests for document in load(path)]
        self._check(documents)
        given = {d.name: d.body for d in documents if d.kind == "Namespace"}
        for space in sorted({self.spec.namespace, "default", "kube-system", *given}):
            self.objects.make_namespace(copy.deepcopy(given.get(space) or namespace(space)))
        self.store.create("pods", system_pod(os.getpid()))
        self.store.create("services", system_service())
        for document in documents:
            self._admit(document)
        for service, ports in self.network.services().items():
            for index, port in enumerate(ports):
                await self.network.open_client(service, port, self.spec.ports.get(service, 0) if index == 0 else 0)
        self.reconcile()

    def _check(self, documents: list[Document]) -> None:
        for document in documents:
            for container in containers_of(document.body):
                if not image_problem(container, self.spec):
                    continue
                try:
                    command_of(str(container.get("image", "")), self.spec.images, self.spec.config_file)
                except ConfigError as error:
                    raise document.error(f"container {container.get('name')}: {error.message}", error.hint) from None

    def _admit(self, document: Document) -> None:
        body = copy.deepcopy(document.body)
        resource = self.catalogue.by_kind(str(body.get("apiVersion")), document.kind)
        if resource is None or document.kind == "Namespace":
            # A kind that means nothing on one machine (a ServiceMonitor) is staging's business.
            return
        if not document.name:
            raise document.error("it has no metadata.name")
        if resource.namespaced:
            body["metadata"].setdefault("namespace", self.spec.namespace)
        made = self.store.create(resource.key, prepared(resource.key, kept_as(resource, body)))
        if resource.key == "customresourcedefinitions":
            self._define(made)

    async def applied(self, key: str, body: Json) -> None:
        """Bring what runs in line with an object that was made or changed."""
        metadata = body["metadata"]
        if key == "services" and metadata["namespace"] == self.spec.namespace:
            for port in body["spec"].get("ports") or ():
                edge = (CLIENT, metadata["name"], int(port["port"]))
                if edge not in self.network.edges:
                    await self.network.open_client(edge[1], edge[2])
        elif key == "pods":
            pod = self.runtime.find(metadata["namespace"], metadata["name"])
            if pod is not None:
                pod.body["metadata"] = copy.deepcopy(metadata)
            elif MIRROR not in (metadata.get("annotations") or {}):
                self.runtime.start(body, metadata["name"])
        elif key == "nodes":
            self.runtime.node_changed()
        elif key == "networkchaos":
            self.chaos.network_chaos(body)
        elif key == "podchaos":
            self.chaos.pod_chaos(body)
        elif key == "stresschaos":
            self.chaos.stress_chaos(body)
        elif key == "customresourcedefinitions":
            self._define(body)
        self.reconcile()

    def _define(self, definition: Json) -> None:
        self.catalogue.define(definition)
        now = self.store.now()
        conditions = [
            {"type": kind, "status": "True", "reason": reason, "message": message, "lastTransitionTime": now}
            for kind, reason, message in (
                ("NamesAccepted", "NoConflicts", "no conflicts found"),
                ("Established", "InitialNamesAccepted", "the initial names have been accepted"),
            )
        ]
        spec = definition["spec"]
        names = {**spec["names"], "singular": spec["names"].get("singular") or spec["names"]["kind"].lower()}
        names.setdefault("listKind", f"{names['kind']}List")
        stored = [version["name"] for version in spec["versions"] if version.get("storage")]

        def establish(body: Json) -> None:
            if not (body.get("status") or {}).get("conditions"):
                body["status"] = {"conditions": conditions, "acceptedNames": names, "storedVersions": stored}

        self.store.update("customresourcedefinitions", "", definition["metadata"]["name"], establish)

    def _gone(self, key: str, body: Json) -> None:
        """Bring what runs in line with an object that is gone."""
        name = body["metadata"]["name"]
        if key == "networkchaos":
            self.chaos.network_healed(body)
        elif key == "stresschaos":
            self.chaos.stress_healed(body)
        elif key == "services" and body["metadata"]["namespace"] == self.spec.namespace:
            for edge in [edge for edge in self.network.edges if edge[1] == name]:
                self.network.edges.pop(edge).close()
        elif key == "pods" and MIRROR in (body["metadata"].get("annotations") or {}):
            self.store.create("pods", system_pod(os.getpid()))  # as a kubelet does
        elif key == "customresourcedefinitions":
            for resource in self.catalogue.forget(name)[:1]:
                for row in self.store.list(resource.key):
                    self.store.delete(resource.key, row["metadata"].get("namespace", ""), row["metadata"]["name"])

    def reconcile(self) -> None:
        """Start pods that are missing, end those that are too many, refresh every status."""
        if self.runtime.closing or self._settling:
            return
        self._settling = True
        try:
            for controller in self._controllers:
                controller.reconcile()
            for controller in self._controllers:
                controller.report()
            self.objects.sweep()
        finally:
            self._settling = False

    # -- whole ---------------------------------------------------------------------------------------

    def unready(self) -> list[str]:
        """What is still missing for everything to be up, in words."""
        missing = []
        for resource in ("deployments", "statefulsets"):
            for body in self.store.list(resource, self.spec.namespace):
                wanted = int(body["spec"].get("replicas", 1))
                ready = (body.get("status") or {}).get("readyReplicas", 0)
                if ready < wanted:
                    missing.append(f"{body['metadata']['name']} {ready}/{wanted}")
        return missing

    def explain(self) -> str:
        """Why pods are not ready: state, last probe, last lines of the log."""
        lines = []
        for pod in self.pods.values():
            for state in pod.states.values():
                if state.ready:
                    continue
                what = state.waiting or "running, not ready"
                lines.append(f"pod {pod.name}, container {state.name}: {what}; restarts {state.restarts}")
                if state.last_exit is not None:
                    lines.append(f"  last exit code {state.last_exit}")
                if state.probe_saw:
                    lines.append(f"  last probe: {state.probe_saw}")
                tail = pod.log(state.name).read().decode(errors="replace").splitlines()[-20:]
                lines.extend(f"  | {line}" for line in tail)
        return "\n".join(lines)

    async def tick(self) -> None:
        """What happens of itself: containers are metered, what is autoscaled is scaled, deadlines pass. Never ends."""
        looks = 0
        while True:
            await asyncio.sleep(LOOK_S)
            self.metering.look()
            looks += 1
            if looks % round(SYNC_S / LOOK_S) == 0:
                await self.autoscalers.sync()
                self.reconcile()

    async def wait_ready(self, timeout_s: float) -> None:
        """Return when everything is ready. Raises InfraError saying what is not, and why."""
        deadline = self.clock.monotonic() + timeout_s
        while self.unready():
            if self.failure is not None:
                raise self.failure
            looping = [
                pod.name for pod in self.pods.values() if any(s.restarts >= CRASHES for s in pod.states.values())
            ]
            if looping:
                raise InfraError(
                    f"{', '.join(looping)} ended {CRASHES} times\n{self.explain()}", hint="the log above says why"
                )
            if self.clock.monotonic() > deadline:
                raise InfraError(
                    f"not ready after {timeout_s:g} s: {', '.join(self.unready())}\n{self.explain()}",
                    hint="the log above says why; [target.local] ready_timeout_s gives it longer",
                )
            await asyncio.sleep(0.05)

    async def stop(self, grace_s: float = 5.0) -> None:
        """End every pod and close every port; returns when nothing is left."""
        await self.runtime.close(grace_s)
        self.network.close()


def _memory_kib() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1024
