"""Deployments: a ReplicaSet for each template, and pods rolled from the old ones to the newest."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

from harness.cluster.controllers.controller import Owned, condition, template_hash, template_labels
from harness.cluster.manifests.documents import Json
from harness.cluster.pods import owner_reference, owner_uid

REVISION = "deployment.kubernetes.io/revision"


@dataclass
class Deployments(Owned):
    """Keeps each Deployment's pods, within maxSurge and maxUnavailable while its template changes."""

    def reconcile(self) -> None:
        for deployment in self.store.list("deployments"):
            self._one(deployment)

    def _one(self, deployment: Json) -> None:
        name, space = deployment["metadata"]["name"], deployment["metadata"]["namespace"]
        template = deployment["spec"]["template"]
        digest = template_hash(template)
        set_name = f"{name}-{digest}"
        wanted = int(deployment["spec"].get("replicas", 1))
        labels = {**template_labels(template), "pod-template-hash": digest}
        self._newest_first(deployment, set_name, labels, wanted)
        newest = self.store.get("replicasets", space, set_name)
        new = self.pods.of_owner(newest)
        sets = self.sets(deployment)
        old = [pod for rs in sets if rs["metadata"]["name"] != set_name for pod in self.pods.of_owner(rs)]
        surge, unavailable = rolling(deployment, wanted)
        room = wanted + (surge if old else 0) - len(new) - len(old)
        for _ in range(max(0, min(wanted - len(new), room))):
            pod = f"{set_name}-{self.pods.letters(5)}"
            self.pods.create(pod, template, newest, workload=name, labels=dict(labels))
        for extra in sorted(new, key=lambda p: p.ready)[: max(0, len(new) - wanted)]:
            self.pods.end(extra)
        ready = sum(pod.ready for pod in [*new, *old])
        for pod_ in sorted(old, key=lambda p: p.ready):
            if not pod_.ready or ready - 1 >= wanted - unavailable:
                ready -= pod_.ready
                self.pods.end(pod_)
        for rs in sets:
            mine = rs["metadata"]["name"] == set_name
            self._scale(rs, wanted if mine else len(self.pods.of_owner(rs)))

    def _newest_first(self, deployment: Json, set_name: str, labels: dict[str, str], wanted: int) -> None:
        """Make the ReplicaSet of the current template, and give it the highest revision; as a rollback does, too."""
        space = deployment["metadata"]["namespace"]
        revisions = {rs["metadata"]["name"]: _revision(rs) for rs in self.sets(deployment)}
        others = max((number for name, number in revisions.items() if name != set_name), default=0)
        if self.store.find("replicasets", space, set_name) is None:
            self.store.create("replicasets", _replica_set(deployment, set_name, labels, wanted, others + 1))
        elif revisions.get(set_name, 0) <= others:
            self.store.update("replicasets", space, set_name, lambda body: _annotate(body, others + 1))
        number = _revision(self.store.get("replicasets", space, set_name))
        self.store.update("deployments", space, deployment["metadata"]["name"], lambda body: _annotate(body, number))

    def _scale(self, rs: Json, count: int) -> None:
        metadata = rs["metadata"]
        if self.store.find("replicasets", metadata["namespace"], metadata["name"]) is not None:
            self.store.update(
                "replicasets", metadata["namespace"], metadata["name"], lambda body: body["spec"].update(replicas=count)
            )

    def sets(self, deployment: Json) -> list[Json]:
        """The ReplicaSets of a Deployment."""
        uid = deployment["metadata"]["uid"]
        return [rs for rs in self.store.list("replicasets") if owner_uid(rs) == uid]

    def report(self) -> None:
        for deployment in self.store.list("deployments"):
            self.set_status("deployments", deployment, self._status(deployment))

    def _status(self, deployment: Json) -> Json:
        sets = self.sets(deployment)
        newest = max(sets, key=_revision)
        pods = [pod for rs in sets for pod in self.pods.of_owner(rs)]
        ready = sum(pod.ready for pod in pods)
        wanted = int(deployment["spec"].get("replicas", 1))
        updated = len(self.pods.of_owner(newest))
        available = ready >= wanted - rolling(deployment, wanted)[1]
        done = updated == wanted == ready == len(pods)
        before, now = deployment.get("status"), self.store.now()
        word = "MinimumReplicasAvailable" if available else "MinimumReplicasUnavailable"
        text = f"Deployment {'has' if available else 'does not have'} minimum availability."
        told = f'ReplicaSet "{newest["metadata"]["name"]}" '
        progress = ("NewReplicaSetAvailable", told + "has successfully progressed.")
        if not done:
            progress = ("ReplicaSetUpdated", told + "is progressing.")
        status: Json = {
            "observedGeneration": deployment["metadata"].get("generation", 1),
            "replicas": len(pods),
            "updatedReplicas": updated,
            "readyReplicas": ready,
            "availableReplicas": ready,
            "conditions": [
                condition("Available", available, word, text, before=before, now=now),
                condition("Progressing", True, *progress, before=before, now=now),
            ],
        }
        if wanted > ready:
            status["unavailableReplicas"] = wanted - ready
        return status


def rolling(deployment: Json, wanted: int) -> tuple[int, int]:
    """maxSurge and maxUnavailable in pods: percentages round up and down; both 0 becomes 1 unavailable."""
    strategy = deployment["spec"].get("strategy") or {}
    if strategy.get("type") == "Recreate":
        return 0, wanted
    limits = strategy.get("rollingUpdate") or {}

    def pods(value: Any, up: bool) -> int:
        text = str(value)
        if not text.endswith("%"):
            return int(text)
        share = wanted * int(text[:-1])
        return -(-share // 100) if up else share // 100

    surge, unavailable = pods(limits.get("maxSurge", "25%"), True), pods(limits.get("maxUnavailable", "25%"), False)
    return (surge, unavailable) if surge or unavailable else (0, 1)


def _revision(rs: Json) -> int:
    return int((rs["metadata"].get("annotations") or {}).get(REVISION, 0))


def _annotate(body: Json, number: int) -> None:
    annotations = dict(body["metadata"].get("annotations") or {})
    body["metadata"]["annotations"] = {**annotations, REVISION: str(number)}


def _replica_set(deployment: Json, name: str, labels: dict[str, str], replicas: int, revision: int) -> Json:
    metadata = deployment["metadata"]
    template = copy.deepcopy(deployment["spec"]["template"])
    template.setdefault("metadata", {})["labels"] = dict(labels)
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": name,
            "namespace": metadata["namespace"],
            "labels": labels,
            "annotations": {**(metadata.get("annotations") or {}), REVISION: str(revision)},
            "generation": 1,
            "ownerReferences": [owner_reference(deployment)],
        },
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template},
    }
