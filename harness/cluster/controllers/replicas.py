"""ReplicaSets, ReplicationControllers and DaemonSets: so many pods of one template."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from harness.cluster.controllers.controller import Owned, template_labels
from harness.cluster.manifests.documents import Json
from harness.cluster.pods import owner_uid

KINDS = ("replicasets", "replicationcontrollers", "daemonsets")


@dataclass
class Replicas(Owned):
    """Keeps as many pods as are asked for; a DaemonSet asks for one a node, and there is one node.

    The ReplicaSets of a Deployment are its own business; only their status is written here.
    """

    def reconcile(self) -> None:
        for plural in KINDS:
            self.each(plural, partial(self._one, plural))

    def _one(self, plural: str, owner: Json) -> None:
        if owner_uid(owner):
            return
        name, template = owner["metadata"]["name"], owner["spec"]["template"]
        pods, wanted = self.claim(owner), _wanted(plural, owner)
        for _ in range(wanted - len(pods)):
            pod = f"{name}-{self.pods.letters(5)}"
            self.pods.create(pod, template, owner, workload=name, labels=template_labels(template))
            self.tell(owner, "SuccessfulCreate", f"Created pod: {pod}", f"{owner['kind'].lower()}-controller")
        for extra in sorted(pods, key=lambda p: p.ready)[: max(0, len(pods) - wanted)]:
            self.pods.end(extra)
            text = f"Deleted pod: {extra.body['metadata']['name']}"
            self.tell(owner, "SuccessfulDelete", text, f"{owner['kind'].lower()}-controller")

    def report(self) -> None:
        for plural in KINDS:
            self.each(plural, partial(self._status, plural))

    def _status(self, plural: str, owner: Json) -> None:
        pods = self.pods.of_owner(owner)
        ready = sum(pod.ready for pod in pods)
        generation = {"observedGeneration": owner["metadata"].get("generation", 1)}
        if plural == "daemonsets":
            count = {"currentNumberScheduled": len(pods), "desiredNumberScheduled": 1, "numberMisscheduled": 0}
            rest = {"numberReady": ready, "numberAvailable": ready, "updatedNumberScheduled": len(pods)}
        else:
            count = {"replicas": len(pods), "fullyLabeledReplicas": len(pods)}
            rest = {"readyReplicas": ready, "availableReplicas": ready}
        self.set_status(plural, owner, {**count, **rest, **generation})


def _wanted(plural: str, owner: Json) -> int:
    return 1 if plural == "daemonsets" else int(owner["spec"].get("replicas", 1))
