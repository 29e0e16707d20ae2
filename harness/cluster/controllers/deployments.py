"""Deployments: a ReplicaSet for each template, and pods rolled from the old ones to the newest."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

from harness.cluster.controllers.controller import Owned, condition, seconds_between, template_hash, template_labels
from harness.cluster.manifests.documents import Json
from harness.cluster.pods import owner_reference, owner_uid
from harness.cluster.selectors import matches
from harness.cluster.store import NotFound

REVISION = "deployment.kubernetes.io/revision"
_WHO = "deployment-controller"


@dataclass
class Deployments(Owned):
    """Keeps each Deployment's pods, within maxSurge and maxUnavailable while its template changes.

    A paused one is scaled and nothing else: what its template became is rolled out when it is resumed.
    """

    def reconcile(self) -> None:
        self.each("deployments", self._one)

    def _one(self, deployment: Json) -> None:
        name, space = deployment["metadata"]["name"], deployment["metadata"]["namespace"]
        wanted = int(deployment["spec"].get("replicas", 1))
        newest = self._newest(deployment, wanted)
        set_name, labels = newest["metadata"]["name"], dict(newest["metadata"].get("labels") or {})
        sets = self.sets(deployment)
        new = self.claim(newest)
        old = [pod for rs in sets if rs["metadata"]["name"] != set_name for pod in self.claim(rs)]
        surge, unavailable = rolling(deployment, wanted)
        room = wanted + (surge if old else 0) - len(new) - len(old)
        if (deployment["spec"].get("strategy") or {}).get("type") == "Recreate":
            room -= sum(self._ending(rs) for rs in sets if rs["metadata"]["name"] != set_name)
        for _ in range(max(0, min(wanted - len(new), room))):
            pod = f"{set_name}-{self.pods.letters(5)}"
            self.pods.create(pod, newest["spec"]["template"], newest, workload=name, labels=dict(labels))
            self.tell(newest, "SuccessfulCreate", f"Created pod: {pod}", "replicaset-controller")
        for extra in sorted(new, key=lambda p: p.ready)[: max(0, len(new) - wanted)]:
            self._end(newest, extra)
        ready = sum(pod.ready for pod in [*new, *old])
        for pod_ in sorted(old, key=lambda p: p.ready):
            if not pod_.ready or ready - 1 >= wanted - unavailable:
                ready -= pod_.ready
                self._end(
                    self.store.get("replicasets", space, pod_.body["metadata"]["ownerReferences"][0]["name"]), pod_
                )
        for rs in sets:
            mine = rs["metadata"]["name"] == set_name
            self._scale(deployment, rs, wanted if mine else len(self.pods.of_owner(rs)))
        self._forget_old(deployment, set_name)

    def _end(self, rs: Json, pod: Any) -> None:
        self.pods.end(pod)
        self.tell(rs, "SuccessfulDelete", f"Deleted pod: {pod.body['metadata']['name']}", "replicaset-controller")

    def _ending(self, rs: Json) -> int:
        uid = rs["metadata"]["uid"]
        return sum(pod.terminating and owner_uid(pod.body) == uid for pod in self.pods.running.values())

    def _newest(self, deployment: Json, wanted: int) -> Json:
        """The ReplicaSet of the current template, made where there is none, with the highest revision of all; as a
        rollback gives it, too. Of a paused Deployment it is the one that was the newest."""
        metadata, template = deployment["metadata"], deployment["spec"]["template"]
        space, digest = metadata["namespace"], template_hash(template)
        set_name = f"{metadata['name']}-{digest}"
        sets = self.sets(deployment)
        if deployment["spec"].get("paused") and sets:
            return max(sets, key=_revision)
        revisions = {rs["metadata"]["name"]: _revision(rs) for rs in sets}
        others = max((number for name, number in revisions.items() if name != set_name), default=0)
        if self.store.find("replicasets", space, set_name) is None:
            labels = {**template_labels(template), "pod-template-hash": digest}
            self.store.create("replicasets", _replica_set(deployment, set_name, labels, 0, others + 1))
        elif set_name not in revisions:
            raise ValueError(f"ReplicaSet {set_name} is there already and belongs to somebody else")
        elif revisions[set_name] <= others:
            self.store.update("replicasets", space, set_name, lambda body: _annotate(body, others + 1))
        self.store.update("replicasets", space, set_name, lambda body: _tell_cause(body, deployment))
        newest = self.store.get("replicasets", space, set_name)
        number = _revision(newest)
        self.store.update("deployments", space, metadata["name"], lambda body: _annotate(body, number))
        return newest

    def _scale(self, deployment: Json, rs: Json, count: int) -> None:
        metadata = rs["metadata"]
        if self.store.find("replicasets", metadata["namespace"], metadata["name"]) is None:
            return
        before = int(rs["spec"].get("replicas", 0))
        self.store.update(
            "replicasets", metadata["namespace"], metadata["name"], lambda body: body["spec"].update(replicas=count)
        )
        if count != before:
            way = "up" if count > before else "down"
            text = f"Scaled {way} replica set {metadata['name']} from {before} to {count}"
            self.tell(deployment, "ScalingReplicaSet", text, _WHO)

    def _forget_old(self, deployment: Json, newest: str) -> None:
        """Beyond revisionHistoryLimit the oldest ReplicaSets that have no pods go."""
        limit = int(deployment["spec"].get("revisionHistoryLimit", 10))
        idle = [
            rs
            for rs in self.sets(deployment)
            if rs["metadata"]["name"] != newest and not self.pods.of_owner(rs) and not self._ending(rs)
        ]
        for rs in sorted(idle, key=_revision)[: max(0, len(idle) - limit)]:
            self.store.delete("replicasets", rs["metadata"]["namespace"], rs["metadata"]["name"])

    def sets(self, deployment: Json) -> list[Json]:
        """The ReplicaSets of a Deployment; those that nobody owns and its selector chooses are its own from now on."""
        uid, space = deployment["metadata"]["uid"], deployment["metadata"]["namespace"]
        for rs in self.store.list("replicasets", space):
            if not owner_uid(rs) and matches(deployment["spec"]["selector"], rs["metadata"].get("labels")):
                owners = [owner_reference(deployment)]
                self.store.update("replicasets", space, rs["metadata"]["name"],
                                  lambda body, o=owners: body["metadata"].update(ownerReferences=o))  # type: ignore[misc]  # fmt: skip
        return [rs for rs in self.store.list("replicasets", space) if owner_uid(rs) == uid]

    def report(self) -> None:
        self.each("deployments", lambda body: self.set_status("deployments", body, self._status(body)))

    def _status(self, deployment: Json) -> Json:
        sets = self.sets(deployment)
        if not sets:
            raise NotFound("it has no ReplicaSet yet")
        newest = max(sets, key=_revision)
        pods = [pod for rs in sets for pod in self.pods.of_owner(rs)]
        ready = sum(pod.ready for pod in pods)
        wanted = int(deployment["spec"].get("replicas", 1))
        updated = len(self.pods.of_owner(newest))
        available = ready >= wanted - rolling(deployment, wanted)[1]
        done = updated == wanted == ready == len(pods)
        before, now = deployment.get("status") or {}, self.store.now()
        word = "MinimumReplicasAvailable" if available else "MinimumReplicasUnavailable"
        text = f"Deployment {'has' if available else 'does not have'} minimum availability."
        status: Json = {
            "observedGeneration": deployment["metadata"].get("generation", 1),
            "replicas": len(pods),
            "updatedReplicas": updated,
            "readyReplicas": ready,
            "availableReplicas": ready,
        }
        if wanted > ready:
            status["unavailableReplicas"] = wanted - ready
        moved = any(status.get(key) != before.get(key) for key in (*status, "unavailableReplicas"))
        status["conditions"] = [
            condition("Available", available, word, text, before=before, now=now),
            self._progress(deployment, newest["metadata"]["name"], done=done, moved=moved),
        ]
        return status

    def _progress(self, deployment: Json, newest: str, *, done: bool, moved: bool) -> Json:
        """The condition Progressing: False once nothing has moved for progressDeadlineSeconds."""
        before, now, spec = deployment.get("status") or {}, self.store.now(), deployment["spec"]
        old: Json = next((c for c in before.get("conditions") or () if c["type"] == "Progressing"), {})
        told = f'ReplicaSet "{newest}" '
        if spec.get("paused"):
            return condition("Progressing", True, "DeploymentPaused", "Deployment is paused", before=before, now=now)
        if done:
            text = told + "has successfully progressed."
            return condition("Progressing", True, "NewReplicaSetAvailable", text, before=before, now=now)
        since = now if moved or not old else old.get("lastUpdateTime", now)
        late = seconds_between(since, now) > float(spec.get("progressDeadlineSeconds", 600))
        reason, text = "ReplicaSetUpdated", told + "is progressing."
        if late or (not moved and old.get("reason") == "ProgressDeadlineExceeded"):
            reason, text = "ProgressDeadlineExceeded", told + "has timed out progressing."
        good = reason == "ReplicaSetUpdated"
        row = condition("Progressing", good, reason, text, before=before, now=now)
        return {**row, "lastUpdateTime": since}


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


def _tell_cause(rs: Json, deployment: Json) -> None:
    # `kubectl rollout history` shows it; nothing else is copied once the ReplicaSet is there.
    cause = (deployment["metadata"].get("annotations") or {}).get("kubernetes.io/change-cause")
    if cause is not None:
        rs["metadata"].setdefault("annotations", {})["kubernetes.io/change-cause"] = cause


def _replica_set(deployment: Json, name: str, labels: dict[str, str], replicas: int, revision: int) -> Json:
    metadata = deployment["metadata"]
    template = copy.deepcopy(deployment["spec"]["template"])
    template.setdefault("metadata", {})["labels"] = dict(labels)
    selector = copy.deepcopy(deployment["spec"]["selector"])
    selector["matchLabels"] = {**(selector.get("matchLabels") or {}), "pod-template-hash": labels["pod-template-hash"]}
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
        "spec": {"replicas": replicas, "selector": selector, "template": template},
    }
