"""The local cluster: its objects, its controllers, its network."""

from __future__ import annotations

import asyncio
import copy
import hashlib
import json
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.cluster.chaosmesh import network_fault, selected
from harness.cluster.manifests.documents import Document, Json
from harness.cluster.manifests.kustomize import containers_of, load
from harness.cluster.network import Network
from harness.cluster.pod_status import pod_status
from harness.cluster.policies import CLIENT
from harness.cluster.resources import BY_KIND
from harness.cluster.runtime.images import command_of
from harness.cluster.runtime.pod import PodRuntime, Surroundings
from harness.cluster.selectors import matches
from harness.cluster.spec import ClusterSpec
from harness.cluster.store import NotFound, Store
from harness.core.clock import Clock
from harness.core.errors import ConfigError, InfraError

ALPHABET = "bcdfghjklmnpqrstvwxz2456789"  # the letters that Kubernetes puts into names
EVENTS_KEPT = 500
CRASHES = 5  # exits of a container after which waiting for it to get ready is given up


@dataclass
class LocalCluster:
    """Objects become processes: Deployments and StatefulSets are reconciled into pods, pods into processes.

    `start` loads the manifests, `reconcile` brings what runs in line with the objects (call it after every
    change to them), `stop` ends everything.
    """

    spec: ClusterSpec
    clock: Clock
    folder: Path
    rng: random.Random
    store: Store = field(init=False)
    network: Network = field(init=False)
    pods: dict[str, PodRuntime] = field(default_factory=dict)
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _stopping: bool = False
    failure: Exception | None = None

    def __post_init__(self) -> None:
        self.store = Store(self.clock)
        self.network = Network(
            self.store, self.spec.namespace, self.clock, random.Random(self.rng.random()), lambda: self.pods
        )

    # -- objects -------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Load the manifests and start what they describe. Raises ConfigError naming file and line."""
        self.store.create("nodes", _node())
        documents = [document for path in self.spec.manifests for document in load(path)]
        self._check(documents)
        for space in {self.spec.namespace, "default", "kube-system"}:
            if not any(d.kind == "Namespace" and d.name == space for d in documents):
                self.store.create("namespaces", _namespace(space))
        for document in documents:
            self._admit(document)
        for service, ports in self.network.services().items():
            for index, port in enumerate(ports):
                await self.network.open_client(service, port, self.spec.ports.get(service, 0) if index == 0 else 0)
        self.reconcile()

    def _check(self, documents: list[Document]) -> None:
        for document in documents:
            for container in containers_of(document.body):
                if container.get("command"):
                    continue
                try:
                    command_of(str(container.get("image", "")), self.spec.images, self.spec.config_file)
                except ConfigError as error:
                    raise document.error(f"container {container.get('name')}: {error.message}", error.hint) from None

    def _admit(self, document: Document) -> None:
        body = copy.deepcopy(document.body)
        resource = BY_KIND.get((str(body.get("apiVersion")), document.kind))
        if resource is None:
            # A kind that means nothing on one machine (an Ingress, a ServiceMonitor) is staging's business.
            return
        if not document.name:
            raise document.error("it has no metadata.name")
        if resource.namespaced:
            body["metadata"].setdefault("namespace", self.spec.namespace)
        self.store.create(resource.plural, prepared(body))

    # -- controllers ---------------------------------------------------------------------------------

    def reconcile(self) -> None:
        """Start pods that are missing, end those that are too many, refresh every status."""
        if self._stopping:
            return
        for deployment in self.store.list("deployments"):
            self._deployment(deployment)
        for stateful in self.store.list("statefulsets"):
            self._stateful(stateful)
        self._orphans()
        self._statuses()

    def _deployment(self, deployment: Json) -> None:
        name = deployment["metadata"]["name"]
        template = deployment["spec"]["template"]
        digest = hashlib.sha256(json.dumps(template, sort_keys=True).encode()).hexdigest()
        set_name = f"{name}-{''.join(ALPHABET[int(digest[i : i + 2], 16) % 27] for i in range(0, 20, 2))}"
        wanted = int(deployment["spec"].get("replicas", 1))
        space = deployment["metadata"]["namespace"]
        labels = {**template["metadata"].get("labels", {}), "pod-template-hash": set_name.rsplit("-", 1)[-1]}
        if self.store.find("replicasets", space, set_name) is None:
            revision = 1 + max(
                (
                    int(rs["metadata"]["annotations"]["deployment.kubernetes.io/revision"])
                    for rs in self._sets(deployment)
                ),
                default=0,
            )
            self.store.create("replicasets", _replica_set(deployment, set_name, labels, wanted, revision))
        new = self._of_owner(self.store.get("replicasets", space, set_name))
        old = [pod for rs in self._sets(deployment) if rs["metadata"]["name"] != set_name for pod in self._of_owner(rs)]
        surge, unavailable = _rolling(deployment, wanted)
        room = wanted + (surge if old else 0) - len(new) - len(old)
        for _ in range(max(0, min(wanted - len(new), room))):
            self._start_pod(
                f"{set_name}-{self._letters(5)}",
                template,
                labels,
                self.store.get("replicasets", space, set_name),
                name,
            )
        for pod in sorted(new, key=lambda p: p.ready)[: max(0, len(new) - wanted)]:
            self.delete_pod(pod.name)
        ready = sum(pod.ready for pod in [*new, *old])
        for pod in sorted(old, key=lambda p: p.ready):
            if not pod.ready or ready - 1 >= wanted - unavailable:
                ready -= pod.ready
                self.delete_pod(pod.name)
        for rs in self._sets(deployment):
            count = wanted if rs["metadata"]["name"] == set_name else len(self._of_owner(rs))
            self._set_replicas(space, rs["metadata"]["name"], count)

    def _set_replicas(self, space: str, name: str, count: int) -> None:
        self.store.update("replicasets", space, name, lambda body: body["spec"].update(replicas=count))

    def _sets(self, deployment: Json) -> list[Json]:
        uid = deployment["metadata"]["uid"]
        return [rs for rs in self.store.list("replicasets") if _owner(rs) == uid]

    def _stateful(self, stateful: Json) -> None:
        name = stateful["metadata"]["name"]
        wanted = int(stateful["spec"].get("replicas", 1))
        template = stateful["spec"]["template"]
        parallel = stateful["spec"].get("podManagementPolicy") == "Parallel"
        hash_ = hashlib.sha256(json.dumps(template, sort_keys=True).encode()).hexdigest()[:10]
        for ordinal in range(wanted):
            pod = self.pods.get(f"{name}-{ordinal}")
            if pod is None:
                labels = {
                    **template["metadata"].get("labels", {}),
                    "statefulset.kubernetes.io/pod-name": f"{name}-{ordinal}",
                    "apps.kubernetes.io/pod-index": str(ordinal),
                    "controller-revision-hash": f"{name}-{hash_}",
                }
                self._start_pod(f"{name}-{ordinal}", template, labels, stateful, name)
            elif pod.body["metadata"]["labels"].get("controller-revision-hash") != f"{name}-{hash_}":
                self.delete_pod(pod.name)
            pod = self.pods.get(f"{name}-{ordinal}")
            if not parallel and (pod is None or not pod.ready):
                break
        for pod in self._of_owner(stateful):
            if int(pod.name.rsplit("-", 1)[-1]) >= wanted:
                self.delete_pod(pod.name)

    def _orphans(self) -> None:
        owners = {body["metadata"]["uid"] for kind in ("replicasets", "statefulsets") for body in self.store.list(kind)}
        deployments = {body["metadata"]["uid"] for body in self.store.list("deployments")}
        for rs in self.store.list("replicasets"):
            owner = _owner(rs)
            if owner and owner not in deployments:
                self.store.delete("replicasets", rs["metadata"]["namespace"], rs["metadata"]["name"])
                owners.discard(rs["metadata"]["uid"])
        for pod in list(self.pods.values()):
            owner = _owner(pod.body)
            if owner and owner not in owners and not pod.terminating:
                self.delete_pod(pod.name)

    def _of_owner(self, owner: Json) -> list[PodRuntime]:
        """The owner's pods that nobody asked to end."""
        uid = owner["metadata"]["uid"]
        return [pod for pod in self.pods.values() if _owner(pod.body) == uid and not pod.terminating]

    def _letters(self, count: int) -> str:
        return "".join(self.rng.choice(ALPHABET) for _ in range(count))

    # -- pods ----------------------------------------------------------------------------------------

    def _start_pod(self, name: str, template: Json, labels: dict[str, str], owner: Json, workload: str) -> None:
        spec = copy.deepcopy(template["spec"])
        spec.setdefault("nodeName", "windtunnel")
        spec.setdefault("terminationGracePeriodSeconds", 30)
        spec.setdefault("restartPolicy", "Always")
        body = prepared(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {
                    "name": name,
                    "generateName": name.rsplit("-", 1)[0] + "-",
                    "namespace": owner["metadata"]["namespace"],
                    "labels": labels,
                    "annotations": copy.deepcopy(template["metadata"].get("annotations") or {}),
                    "ownerReferences": [
                        {
                            "apiVersion": owner["apiVersion"],
                            "kind": owner["kind"],
                            "name": owner["metadata"]["name"],
                            "uid": owner["metadata"]["uid"],
                            "controller": True,
                            "blockOwnerDeletion": True,
                        }
                    ],
                },
                "spec": spec,
                "status": {"phase": "Pending"},
            }
        )
        self.start_pod(self.store.create("pods", body), workload)

    def start_pod(self, body: Json, workload: str) -> None:
        """Run the pod object `body`, which is in the store."""
        name = body["metadata"]["name"]
        around = Surroundings(
            spec=self.spec,
            store=self.store,
            clock=self.clock,
            folder=self.folder,
            services=self.network.services,
            edge=self.network.edge_port,
            changed=self._pod_changed,
            event=self.event,
        )
        pod = PodRuntime(name, workload, around, body)
        self.pods[name] = pod
        self.event(
            name,
            "Normal",
            "Scheduled",
            f"Successfully assigned {body['metadata']['namespace']}/{name} to windtunnel",
        )
        self._tasks[name] = asyncio.get_running_loop().create_task(self._live(pod))

    async def _live(self, pod: PodRuntime) -> None:
        try:
            await pod.run()
        except asyncio.CancelledError:
            raise
        except Exception as error:
            self.failure = self.failure or error
            self.event(pod.name, "Warning", "Failed", f"{type(error).__name__}: {error}")
            if not pod.terminating:
                # Nothing will mend this pod by trying again: leave it in sight as it is.
                self._pod_changed(pod.name)
                await asyncio.Event().wait()
        finally:
            if self.pods.get(pod.name) is pod:
                del self.pods[pod.name]
                self._tasks.pop(pod.name, None)
                self.network.drop(pod.name)
                try:
                    self.store.delete("pods", pod.body["metadata"]["namespace"], pod.name)
                except NotFound:
                    pass
                if not self._stopping:
                    self.reconcile()

    def delete_pod(self, name: str, grace_s: float | None = None) -> Json:
        """Ask a pod to end, as `kubectl delete pod` does. Raises NotFound."""
        pod = self.pods.get(name)
        if pod is None:
            raise NotFound(f'pods "{name}" not found')
        pod.terminate(grace_s)
        grace = pod.body["spec"].get("terminationGracePeriodSeconds", 30) if grace_s is None else int(grace_s)

        def mark(body: Json) -> None:
            body["metadata"].setdefault("deletionTimestamp", self.store.now())
            body["metadata"]["deletionGracePeriodSeconds"] = grace

        self.event(name, "Normal", "Killing", "Stopping container " + ", ".join(pod.states))
        body = self.store.update("pods", pod.body["metadata"]["namespace"], name, mark)
        asyncio.get_running_loop().call_soon(self.reconcile)
        return body

    def _pod_changed(self, name: str) -> None:
        pod = self.pods.get(name)
        if pod is None:
            return
        status = pod_status(pod, self.store.now())
        try:
            self.store.update("pods", pod.body["metadata"]["namespace"], name, lambda b: b.update(status=status))
        except NotFound:
            return
        if not self._stopping:
            asyncio.get_running_loop().call_soon(self.reconcile)

    def event(self, pod: str, kind: str, reason: str, message: str) -> None:
        """Record an Event about a pod, as `kubectl describe` and `get events` show it."""
        runtime = self.pods.get(pod)
        now = self.store.now()
        body = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": f"{pod}.{self._letters(10)}", "namespace": self.spec.namespace},
            "involvedObject": {
                "apiVersion": "v1",
                "kind": "Pod",
                "name": pod,
                "namespace": self.spec.namespace,
                "uid": runtime.body["metadata"].get("uid", "") if runtime else "",
            },
            "type": kind,
            "reason": reason,
            "message": message,
            "count": 1,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "source": {"component": "kubelet", "host": "windtunnel"},
        }
        rows = self.store.list("events")
        for old in sorted(rows, key=lambda b: int(b["metadata"]["resourceVersion"]))[: max(0, len(rows) - EVENTS_KEPT)]:
            self.store.delete("events", old["metadata"]["namespace"], old["metadata"]["name"])
        self.store.create("events", body)

    # -- what the API asks ---------------------------------------------------------------------------

    def mistake(self, resource: str, body: Json) -> str:
        """What is wrong with an object, in the words of a 422; empty when nothing is."""
        spec = body.get("spec") or {}
        if resource in ("deployments", "statefulsets"):
            labels = ((spec.get("template") or {}).get("metadata") or {}).get("labels")
            if not (spec.get("template") or {}).get("spec", {}).get("containers"):
                return "spec.template.spec.containers: Required value"
            if not spec.get("selector"):
                return "spec.selector: Required value"
            if not matches(spec["selector"], labels):
                return "spec.template.metadata.labels: Invalid value: `selector` does not match template `labels`"
            if int(spec.get("replicas", 1)) < 0:
                return "spec.replicas: Invalid value: must be greater than or equal to 0"
        if resource in ("deployments", "statefulsets", "pods"):
            for container in containers_of(body):
                if not container.get("command"):
                    try:
                        command_of(str(container.get("image", "")), self.spec.images, self.spec.config_file)
                    except ConfigError as error:
                        return error.message
        if resource == "networkchaos":
            try:
                network_fault(spec)
            except ValueError as error:
                return str(error)
        if resource == "podchaos" and spec.get("action") not in ("pod-kill", "pod-failure"):
            return f"spec.action: {spec.get('action')!r} is not one of pod-kill, pod-failure"
        return ""

    async def applied(self, resource: str, body: Json) -> None:
        """Bring what runs in line with an object that was made or changed."""
        if resource == "services":
            for port in body["spec"].get("ports") or ():
                key = (CLIENT, body["metadata"]["name"], int(port["port"]))
                if key not in self.network.edges:
                    await self.network.open_client(key[1], key[2])
        elif resource == "pods" and body["metadata"]["name"] not in self.pods:
            body["spec"].setdefault("nodeName", "windtunnel")
            self.start_pod(body, body["metadata"]["name"])
        elif resource == "networkchaos":
            self._network_chaos(body)
        elif resource == "podchaos":
            self._pod_chaos(body)
        self.reconcile()

    def deleted(self, resource: str, body: Json) -> None:
        """Bring what runs in line with an object that is gone."""
        if resource == "networkchaos":
            self.network.chaos.pop(_chaos_name(body), None)
            for edge in self.network.edges.values():
                edge.clear_fault(_chaos_name(body))
        if resource == "services":
            for key in [key for key in self.network.edges if key[1] == body["metadata"]["name"]]:
                self.network.edges.pop(key).close()

    def _network_chaos(self, body: Json) -> None:
        spec = body["spec"]
        name = _chaos_name(body)
        for edge in self.network.edges.values():
            edge.clear_fault(name)
        pods = [pod.body for pod in self.pods.values()]
        chosen = set(selected(spec.get("selector"), spec.get("mode"), spec.get("value"), pods, self.rng))
        target = spec.get("target")
        targets = None
        if target:
            targets = set(selected(target.get("selector"), target.get("mode"), target.get("value"), pods, self.rng))
        self.network.chaos[name] = (spec, chosen, targets)
        for edge in self.network.edges.values():
            self.network.put_chaos(edge)
        phase = {
            "conditions": [
                {"type": "AllInjected", "status": "True"},
                {"type": "Selected", "status": "True" if chosen else "False"},
            ]
        }
        self._set_status("networkchaos", body, phase)

    def _pod_chaos(self, body: Json) -> None:
        spec = body["spec"]
        grace = 0.0 if spec["action"] == "pod-failure" else float(spec.get("gracePeriod", 0))
        pods = [pod.body for pod in self.pods.values() if not pod.terminating]
        for name in selected(spec.get("selector"), spec.get("mode"), spec.get("value"), pods, self.rng):
            self.delete_pod(name, grace)

    def disruption_guard(self, pod: Json) -> str:
        """The PodDisruptionBudget that forbids taking `pod` away now, in words; empty when none does."""
        for budget in self.store.list("poddisruptionbudgets", pod["metadata"]["namespace"]):
            selector = budget["spec"].get("selector")
            if not matches(selector, pod["metadata"].get("labels")):
                continue
            covered = [
                p
                for p in self.pods.values()
                if not p.terminating and matches(selector, p.body["metadata"].get("labels"))
            ]
            healthy = sum(p.ready for p in covered)
            if "minAvailable" in budget["spec"]:
                floor = _count(budget["spec"]["minAvailable"], len(covered))
            else:
                floor = len(covered) - _count(budget["spec"].get("maxUnavailable", 1), len(covered))
            if healthy - 1 < floor:
                return f"{budget['metadata']['name']} needs {floor} healthy pods and has {healthy} currently"
        return ""

    # -- status --------------------------------------------------------------------------------------

    def _statuses(self) -> None:
        for rs in self.store.list("replicasets"):
            pods = self._of_owner(rs)
            ready = sum(pod.ready for pod in pods)
            status = {
                "replicas": len(pods),
                "fullyLabeledReplicas": len(pods),
                "readyReplicas": ready,
                "availableReplicas": ready,
                "observedGeneration": rs["metadata"].get("generation", 1),
            }
            self._set_status("replicasets", rs, status)
        for deployment in self.store.list("deployments"):
            self._set_status("deployments", deployment, self._deployment_status(deployment))
        for stateful in self.store.list("statefulsets"):
            pods = self._of_owner(stateful)
            ready = sum(pod.ready for pod in pods)
            status = {
                "replicas": len(pods),
                "readyReplicas": ready,
                "availableReplicas": ready,
                "currentReplicas": len(pods),
                "updatedReplicas": len(pods),
                "observedGeneration": stateful["metadata"].get("generation", 1),
            }
            self._set_status("statefulsets", stateful, status)

    def _deployment_status(self, deployment: Json) -> Json:
        sets = self._sets(deployment)
        newest = max(sets, key=lambda rs: int(rs["metadata"]["annotations"]["deployment.kubernetes.io/revision"]))
        pods = [pod for rs in sets for pod in self._of_owner(rs)]
        ready = sum(pod.ready for pod in pods)
        wanted = int(deployment["spec"].get("replicas", 1))
        updated = len(self._of_owner(newest))
        available = ready >= wanted - _rolling(deployment, wanted)[1]
        done = updated == wanted == ready == len(pods)
        stamp = self.store.now()
        old = {c["type"]: c for c in (deployment.get("status") or {}).get("conditions") or ()}

        def condition(kind: str, good: bool, reason: str, message: str) -> Json:
            value = "True" if good else "False"
            before = old.get(kind)
            since = before["lastTransitionTime"] if before and before["status"] == value else stamp
            return {
                "type": kind,
                "status": value,
                "reason": reason,
                "message": message,
                "lastTransitionTime": since,
                "lastUpdateTime": since,
            }

        status: Json = {
            "observedGeneration": deployment["metadata"].get("generation", 1),
            "replicas": len(pods),
            "updatedReplicas": updated,
            "readyReplicas": ready,
            "availableReplicas": ready,
            "conditions": [
                condition(
                    "Available",
                    available,
                    "MinimumReplicasAvailable" if available else "MinimumReplicasUnavailable",
                    "Deployment has minimum availability."
                    if available
                    else "Deployment does not have minimum availability.",
                ),
                condition(
                    "Progressing",
                    True,
                    "NewReplicaSetAvailable" if done else "ReplicaSetUpdated",
                    f'ReplicaSet "{newest["metadata"]["name"]}" '
                    + ("has successfully progressed." if done else "is progressing."),
                ),
            ],
        }
        if wanted > ready:
            status["unavailableReplicas"] = wanted - ready
        return status

    def _set_status(self, resource: str, body: Json, status: Json) -> None:
        metadata = body["metadata"]
        self.store.update(resource, metadata["namespace"], metadata["name"], lambda b: b.update(status=status))

    # -- whole ---------------------------------------------------------------------------------------

    def unready(self) -> list[str]:
        """What is still missing for everything to be up, in words."""
        missing = []
        for resource in ("deployments", "statefulsets"):
            for body in self.store.list(resource):
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
                log = pod.log(state.name)
                if log.exists():
                    tail = log.read_text(errors="replace").splitlines()[-20:]
                    lines.extend(f"  | {line}" for line in tail)
        return "\n".join(lines)

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
        self._stopping = True
        for pod in list(self.pods.values()):
            pod.terminate(grace_s)
        tasks = list(self._tasks.values())
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=grace_s + 5)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        self.network.close()


def _chaos_name(body: Json) -> str:
    return f"chaos/{body['metadata'].get('namespace', '')}/{body['metadata']['name']}"


def _count(value: int | str, of: int) -> int:
    """An int-or-percent of a budget; percentages round up, as the disruption controller does."""
    text = str(value)
    return -(-of * int(text[:-1]) // 100) if text.endswith("%") else int(text)


def prepared(body: Json) -> Json:
    """An object as the API server keeps it: with maps where there may be none, and a generation."""
    metadata = body.setdefault("metadata", {})
    metadata.setdefault("labels", {})
    if "spec" in body and body.get("kind") not in ("Pod", "Service"):
        metadata.setdefault("generation", 1)
    template = (body.get("spec") or {}).get("template") if isinstance(body.get("spec"), dict) else None
    if isinstance(template, dict):
        template.setdefault("metadata", {}).setdefault("labels", {})
    return body


def _owner(body: Json) -> str:
    owners = body["metadata"].get("ownerReferences") or ()
    return str(owners[0]["uid"]) if owners else ""


def _rolling(deployment: Json, wanted: int) -> tuple[int, int]:
    """maxSurge and maxUnavailable in pods: percentages round up and down; both 0 becomes 1 unavailable."""
    strategy = deployment["spec"].get("strategy") or {}
    if strategy.get("type") == "Recreate":
        return 0, wanted
    rolling = strategy.get("rollingUpdate") or {}

    def pods(value: Any, up: bool) -> int:
        text = str(value)
        if not text.endswith("%"):
            return int(text)
        share = wanted * int(text[:-1])
        return -(-share // 100) if up else share // 100

    surge, unavailable = (
        pods(rolling.get("maxSurge", "25%"), True),
        pods(rolling.get("maxUnavailable", "25%"), False),
    )
    return (surge, unavailable) if surge or unavailable else (0, 1)


def _replica_set(deployment: Json, name: str, labels: dict[str, str], replicas: int, revision: int) -> Json:
    metadata = deployment["metadata"]
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": name,
            "namespace": metadata["namespace"],
            "labels": labels,
            "annotations": {"deployment.kubernetes.io/revision": str(revision)},
            "generation": 1,
            "ownerReferences": [
                {
                    "apiVersion": "apps/v1",
                    "kind": "Deployment",
                    "name": metadata["name"],
                    "uid": metadata["uid"],
                    "controller": True,
                    "blockOwnerDeletion": True,
                }
            ],
        },
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": copy.deepcopy(deployment["spec"]["template"]),
        },
    }


def _node() -> Json:
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": "windtunnel", "labels": {"kubernetes.io/hostname": "windtunnel"}},
        "spec": {},
        "status": {
            "conditions": [
                {
                    "type": "Ready",
                    "status": "True",
                    "reason": "KubeletReady",
                    "message": "processes on loopback",
                }
            ],
            "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
            "nodeInfo": {
                "kubeletVersion": "v1.32.0-windtunnel",
                "operatingSystem": "linux",
                "osImage": "loopback",
                "containerRuntimeVersion": "process://1",
            },
        },
    }


def _namespace(name: str) -> Json:
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name}},
        "spec": {"finalizers": ["kubernetes"]},
        "status": {"phase": "Active"},
    }
