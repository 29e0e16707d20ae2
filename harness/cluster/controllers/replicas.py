"""ReplicaSets, ReplicationControllers and DaemonSets: so many pods of one template."""

from __future__ import annotations

from dataclasses import dataclass

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
            for owner in self.store.list(plural):
                if not owner_uid(owner):
                    self._one(plural, owner)

    def _one(self, plural: str, owner: Json) -> None:
        name, template = owner["metadata"]["name"], owner["spec"]["template"]
        pods, wanted = self.pods.of_owner(owner), _wanted(plural, owner)
        for _ in range(wanted - len(pods)):
            pod = f"{name}-{self.pods.letters(5)}"
            self.pods.create(pod, template, owner, workload=name, labels=template_labels(template))
        for extra in sorted(pods, key=lambda p: p.ready)[: max(0, len(pods) - wanted)]:
            self.pods.end(extra)

    def report(self) -> None:
        for plural in KINDS:
            for owner in self.store.list(plural):
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
