"""The pods that run: from pod object to process, and what the API shows of it."""

from __future__ import annotations

import asyncio
import copy
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from harness.cluster.admission import NODE, image_problem, prepared
from harness.cluster.events import Events
from harness.cluster.manifests.documents import Json
from harness.cluster.network import Network
from harness.cluster.pod_status import pod_status
from harness.cluster.runtime.pod import PodRuntime
from harness.cluster.runtime.state import Surroundings
from harness.cluster.spec import ClusterSpec
from harness.cluster.store import NotFound, Store
from harness.core.clock import Clock

ALPHABET = "bcdfghjklmnpqrstvwxz2456789"  # the letters that Kubernetes puts into names


@dataclass
class Pods:
    """Every pod's process, by `key`. `settle` is called soon after anything about a pod has changed."""

    spec: ClusterSpec
    clock: Clock
    folder: Path
    rng: random.Random
    store: Store
    network: Network
    settle: Callable[[], None]
    running: dict[str, PodRuntime]
    failure: Exception | None = None
    closing: bool = False
    events: Events = field(init=False)
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _opened: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.events = Events(self.store, self.letters)

    def key(self, namespace: str, name: str) -> str:
        """What a pod is known by here: its name; with its namespace before it outside of the target's."""
        return name if namespace == self.spec.namespace else f"{namespace}.{name}"

    def find(self, namespace: str, name: str) -> PodRuntime | None:
        """The running pod behind a pod object, or None."""
        return self.running.get(self.key(namespace, name))

    def of_owner(self, owner: Json) -> list[PodRuntime]:
        """The owner's pods that nobody asked to end and that did not end of themselves."""
        uid = owner["metadata"]["uid"]
        return [pod for pod in self.running.values() if owner_uid(pod.body) == uid and not pod.terminating]

    def own(self, key: str, owners: list[Json]) -> None:
        """Give a pod other owners than it has."""
        pod = self.running[key]
        metadata = pod.body["metadata"]

        def change(body: Json) -> None:
            body["metadata"].pop("ownerReferences", None)
            if owners:
                body["metadata"]["ownerReferences"] = copy.deepcopy(owners)

        change(pod.body)
        try:
            self.store.update("pods", metadata["namespace"], metadata["name"], change)
        except NotFound:
            pass  # it is ending

    def letters(self, count: int) -> str:
        """Letters for a name, as Kubernetes draws them."""
        return "".join(self.rng.choice(ALPHABET) for _ in range(count))

    def create(self, name: str, template: Json, owner: Json, *, workload: str, labels: dict[str, str]) -> None:
        """Make a pod object from an owner's template, and start it."""
        body = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": name,
                "generateName": name.rsplit("-", 1)[0] + "-",
                "namespace": owner["metadata"]["namespace"],
                "labels": labels,
                "annotations": copy.deepcopy((template.get("metadata") or {}).get("annotations") or {}),
                "ownerReferences": [owner_reference(owner)],
            },
            "spec": copy.deepcopy(template["spec"]),
            "status": {"phase": "Pending"},
        }
        self.start(self.store.create("pods", prepared("pods", body)), workload)

    def start(self, body: Json, workload: str) -> None:
        """Run the pod object `body`, which is in the store."""
        metadata = body["metadata"]
        key = self.key(metadata["namespace"], metadata["name"])
        around = Surroundings(
            spec=self.spec,
            store=self.store,
            clock=self.clock,
            folder=self.folder,
            services=self.network.services,
            edge=self.network.edge_port,
            changed=self.changed,
            event=self.event,
        )
        pod = PodRuntime(key, workload, around, copy.deepcopy(body))  # the store's own changes by `update` only
        self.running[key] = pod
        self._tasks[key] = asyncio.get_running_loop().create_task(self._live(pod))

    async def _live(self, pod: PodRuntime) -> None:
        try:
            if await self._scheduled(pod) and not await self._without_image(pod):
                await pod.run()
        except asyncio.CancelledError:
            raise
        except Exception as error:
            self.failure = self.failure or error
            self.event(pod.name, "Warning", "Failed", f"{type(error).__name__}: {error}")
            if not pod.terminating:
                # Nothing will mend this pod by trying again: leave it in sight as it is.
                self.changed(pod.name)
                await pod.asked_to_end()
        finally:
            if self.running.get(pod.name) is pod:
                del self.running[pod.name]
                self._tasks.pop(pod.name, None)
                self.network.drop(pod.name)
                try:
                    self.store.delete("pods", pod.body["metadata"]["namespace"], pod.body["metadata"]["name"])
                except NotFound:
                    pass
                if not self.closing:
                    self.settle()

    async def _scheduled(self, pod: PodRuntime) -> bool:
        """Wait until the node takes pods, as while it is cordoned it does not; False when the pod is to end first."""
        body = pod.body["metadata"]
        if self.cordoned and not _tolerates(pod.body):
            text = "0/1 nodes are available: 1 node(s) were unschedulable."
            self.event(pod.name, "Warning", "FailedScheduling", text)
            pod.unschedulable = text
            self.changed(pod.name)
            while self.cordoned and not pod.terminating:
                opened = asyncio.create_task(self._opened.wait())
                asked = asyncio.create_task(pod.asked_to_end())
                await asyncio.wait({opened, asked}, return_when=asyncio.FIRST_COMPLETED)
                opened.cancel()
                asked.cancel()
            pod.unschedulable = ""
        if pod.terminating:
            return False
        text = f"Successfully assigned {body['namespace']}/{body['name']} to {NODE}"
        self.events.record(pod.body, "Normal", "Scheduled", text, "default-scheduler")
        return True

    @property
    def cordoned(self) -> bool:
        """May no pod be started on the node?"""
        node = self.store.find("nodes", "", NODE)
        return bool(node and node["spec"].get("unschedulable"))

    def node_changed(self) -> None:
        """Let the pods go on that wait for the node."""
        if not self.cordoned:
            self._opened.set()
            self._opened = asyncio.Event()

    async def _without_image(self, pod: PodRuntime) -> bool:
        """Wait for the end of a pod whose images cannot be run, as for one that cannot be pulled."""
        problems = {c["name"]: image_problem(c, self.spec) for c in pod.body["spec"].get("containers") or ()}
        if not any(problems.values()):
            return False
        for container in pod.body["spec"]["containers"]:
            problem = problems[container["name"]]
            pod.wait_for(container["name"], "ImagePullBackOff" if problem else "ContainerCreating", problem)
            if problem:
                self.event(pod.name, "Warning", "Failed", f"Failed to pull image {container['image']!r}: {problem}")
        self.changed(pod.name)
        await pod.asked_to_end()
        return True

    def delete(self, namespace: str, name: str, grace_s: float | None = None) -> Json:
        """Ask a pod to end, as `kubectl delete pod` does. Raises NotFound."""
        pod = self.find(namespace, name)
        if pod is None:
            raise NotFound(f'pods "{name}" not found')
        pod.terminate(grace_s)
        grace = pod.body["spec"].get("terminationGracePeriodSeconds", 30) if grace_s is None else int(grace_s)

        def mark(body: Json) -> None:
            body["metadata"].setdefault("deletionTimestamp", self.store.now())
            body["metadata"]["deletionGracePeriodSeconds"] = grace

        self.event(pod.name, "Normal", "Killing", "Stopping container " + ", ".join(pod.states))
        body = self.store.update("pods", namespace, name, mark)
        asyncio.get_running_loop().call_soon(self.settle)
        return body

    def end(self, pod: PodRuntime) -> None:
        """Ask a pod to end that a controller no longer wants."""
        self.delete(pod.body["metadata"]["namespace"], pod.body["metadata"]["name"])

    def changed(self, key: str) -> None:
        """Bring the status of a pod's object in line with its process."""
        pod = self.running.get(key)
        if pod is None:
            return
        status = pod_status(pod, self.store.now())
        metadata = pod.body["metadata"]
        try:
            self.store.update("pods", metadata["namespace"], metadata["name"], lambda body: body.update(status=status))
        except NotFound:
            return
        if not self.closing:
            asyncio.get_running_loop().call_soon(self.settle)

    def event(self, key: str, kind: str, reason: str, message: str) -> None:
        """Record an Event about a pod, as `kubectl describe` and `get events` show it."""
        pod = self.running.get(key)
        about = pod.body if pod else {"kind": "Pod", "metadata": {"name": key, "namespace": self.spec.namespace}}
        self.events.record(about, kind, reason, message, "kubelet", NODE)

    async def close(self, grace_s: float) -> None:
        """End every pod; returns when none is left."""
        self.closing = True
        for pod in list(self.running.values()):
            pod.terminate(grace_s)
        tasks = list(self._tasks.values())
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=grace_s + 5)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)


def _tolerates(pod: Json) -> bool:
    """A DaemonSet's pods, and those that say so, are started on a cordoned node, too."""
    owners = pod["metadata"].get("ownerReferences") or ()
    rows = pod["spec"].get("tolerations") or ()
    return any(row.get("kind") == "DaemonSet" for row in owners) or any(
        row.get("key") in (None, "", "node.kubernetes.io/unschedulable") and row.get("operator") == "Exists"
        for row in rows
    )


def owner_uid(body: Json) -> str:
    """The uid of the object's first owner; empty when it has none."""
    owners = body["metadata"].get("ownerReferences") or ()
    return str(owners[0]["uid"]) if owners else ""


def owner_reference(owner: Json) -> Json:
    """A reference to the controller that an object belongs to."""
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
