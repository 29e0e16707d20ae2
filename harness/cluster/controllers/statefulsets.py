"""StatefulSets: numbered pods, one after the other."""

from __future__ import annotations

from dataclasses import dataclass

from harness.cluster.controllers.controller import Owned, template_hash, template_labels
from harness.cluster.manifests.documents import Json

REVISION = "controller-revision-hash"


@dataclass
class StatefulSets(Owned):
    """Keeps pods 0..n-1; the next is started when the one before is ready, unless Parallel is asked for."""

    def reconcile(self) -> None:
        self.each("statefulsets", self._one)

    def _one(self, stateful: Json) -> None:
        name, space = stateful["metadata"]["name"], stateful["metadata"]["namespace"]
        wanted = int(stateful["spec"].get("replicas", 1))
        template = stateful["spec"]["template"]
        parallel = stateful["spec"].get("podManagementPolicy") == "Parallel"
        revision = f"{name}-{template_hash(template)}"
        self.claim(stateful)
        for ordinal in range(wanted):
            pod = self.pods.find(space, f"{name}-{ordinal}")
            if pod is None:
                labels = {
                    **template_labels(template),
                    "statefulset.kubernetes.io/pod-name": f"{name}-{ordinal}",
                    "apps.kubernetes.io/pod-index": str(ordinal),
                    REVISION: revision,
                }
                self.pods.create(f"{name}-{ordinal}", template, stateful, workload=name, labels=labels)
                text = f"create Pod {name}-{ordinal} in StatefulSet {name} successful"
                self.tell(stateful, "SuccessfulCreate", text, "statefulset-controller")
            elif pod.body["metadata"]["labels"].get(REVISION) != revision and not pod.terminating:
                self.pods.end(pod)
            pod = self.pods.find(space, f"{name}-{ordinal}")
            if not parallel and (pod is None or not pod.ready):
                break
        for pod in self.pods.of_owner(stateful):
            if int(pod.body["metadata"]["name"].rsplit("-", 1)[-1]) >= wanted:
                self.pods.end(pod)

    def report(self) -> None:
        self.each("statefulsets", self._status)

    def _status(self, stateful: Json) -> None:
        pods = self.pods.of_owner(stateful)
        ready = sum(pod.ready for pod in pods)
        revision = f"{stateful['metadata']['name']}-{template_hash(stateful['spec']['template'])}"
        updated = sum(pod.body["metadata"]["labels"].get(REVISION) == revision for pod in pods)
        status = {
            "replicas": len(pods),
            "readyReplicas": ready,
            "availableReplicas": ready,
            "currentReplicas": len(pods),
            "updatedReplicas": updated,
            "currentRevision": revision,
            "updateRevision": revision,
            "collisionCount": 0,
            "observedGeneration": stateful["metadata"].get("generation", 1),
        }
        self.set_status("statefulsets", stateful, status)
