"""Jobs: pods that run to their end."""

from __future__ import annotations

from dataclasses import dataclass

from harness.cluster.controllers.controller import Owned, condition, template_labels
from harness.cluster.manifests.documents import Json
from harness.cluster.pods import owner_uid


@dataclass
class Jobs(Owned):
    """Starts pods until `completions` have succeeded, or more than `backoffLimit` have failed."""

    def reconcile(self) -> None:
        self.each("jobs", self._one)

    def _one(self, job: Json) -> None:
        if _finished(job) or job["spec"].get("suspend"):
            return
        name, space, spec = job["metadata"]["name"], job["metadata"]["namespace"], job["spec"]
        if not spec.get("selector"):
            selector = {"matchLabels": {"batch.kubernetes.io/controller-uid": job["metadata"]["uid"]}}
            job = self.store.update("jobs", space, name, lambda body: body["spec"].update(selector=selector))
        active, succeeded, failed = self._counts(job)
        if failed > int(spec.get("backoffLimit", 6)):
            for pod in self.pods.of_owner(job):
                if (pod.body.get("status") or {}).get("phase") not in ("Succeeded", "Failed"):
                    self.pods.end(pod)
            return
        missing = min(int(spec.get("parallelism", 1)), int(spec.get("completions", 1)) - succeeded) - active
        labels = {
            **template_labels(spec["template"]),
            "job-name": name,
            "batch.kubernetes.io/job-name": name,
            "controller-uid": job["metadata"]["uid"],
            "batch.kubernetes.io/controller-uid": job["metadata"]["uid"],
        }
        for _ in range(missing):
            new = f"{name}-{self.pods.letters(5)}"
            self.pods.create(new, spec["template"], job, workload=name, labels=dict(labels))
            self.tell(job, "SuccessfulCreate", f"Created pod: {new}", "job-controller")

    def _counts(self, job: Json) -> tuple[int, int, int]:
        """How many of the job's pods run, have succeeded, have failed."""
        uid = job["metadata"]["uid"]
        phases = [
            (pod.get("status") or {}).get("phase")
            for pod in self.store.list("pods", job["metadata"]["namespace"])
            if owner_uid(pod) == uid and "deletionTimestamp" not in pod["metadata"]
        ]
        done, lost = phases.count("Succeeded"), phases.count("Failed")
        return len(phases) - done - lost, done, lost

    def report(self) -> None:
        self.each("jobs", lambda job: None if _finished(job) else self.set_status("jobs", job, self._status(job)))

    def _status(self, job: Json) -> Json:
        before, now = job.get("status") or {}, self.store.now()
        active, succeeded, failed = self._counts(job)
        status: Json = {"startTime": before.get("startTime", now), "active": active, "succeeded": succeeded,
                        "failed": failed, "ready": sum(p.ready for p in self.pods.of_owner(job)),
                        "terminating": 0, "uncountedTerminatedPods": {}}  # fmt: skip
        if succeeded >= int(job["spec"].get("completions", 1)):
            done = condition("Complete", True, "CompletionsReached", "Reached expected number of succeeded pods",
                             before=before, now=now)  # fmt: skip
            return {**status, "conditions": [done], "completionTime": now}
        if failed > int(job["spec"].get("backoffLimit", 6)):
            text = "Job has reached the specified backoff limit"
            lost = condition("Failed", True, "BackoffLimitExceeded", text, before=before, now=now)
            return {**status, "conditions": [lost]}
        return status


def _finished(job: Json) -> bool:
    conditions = (job.get("status") or {}).get("conditions") or ()
    return any(c["type"] in ("Complete", "Failed") and c["status"] == "True" for c in conditions)
