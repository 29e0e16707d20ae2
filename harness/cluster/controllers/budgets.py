"""PodDisruptionBudgets: which evictions they forbid, and their status."""

from __future__ import annotations

from dataclasses import dataclass

from harness.cluster.controllers.controller import Owned, condition
from harness.cluster.manifests.documents import Json
from harness.cluster.selectors import matches


@dataclass
class Budgets(Owned):
    """Counts the healthy pods that each budget covers."""

    def reconcile(self) -> None:
        """A budget starts and ends nothing."""

    def report(self) -> None:
        self.each("poddisruptionbudgets", self._status)

    def _status(self, budget: Json) -> None:
        covered, healthy, floor = self._counts(budget)
        allowed = max(0, healthy - floor)
        word = "SufficientPods" if allowed else "InsufficientPods"
        before, now = budget.get("status"), self.store.now()
        status = {
            "observedGeneration": budget["metadata"].get("generation", 1),
            "expectedPods": covered,
            "currentHealthy": healthy,
            "desiredHealthy": floor,
            "disruptionsAllowed": allowed,
            "conditions": [condition("DisruptionAllowed", allowed > 0, word, "", before=before, now=now)],
        }
        self.set_status("poddisruptionbudgets", budget, status)

    def forbids(self, pod: Json) -> str:
        """The budget that forbids taking `pod` away now, in words; empty when none does."""
        for budget in self.store.list("poddisruptionbudgets", pod["metadata"]["namespace"]):
            if matches(budget["spec"].get("selector"), pod["metadata"].get("labels")):
                _, healthy, floor = self._counts(budget)
                if healthy - 1 < floor:
                    return f"{budget['metadata']['name']} needs {floor} healthy pods and has {healthy} currently"
        return ""

    def _counts(self, budget: Json) -> tuple[int, int, int]:
        """Pods covered, healthy ones, and how many must stay."""
        space, spec = budget["metadata"]["namespace"], budget["spec"]
        covered = [
            pod
            for pod in self.pods.running.values()
            if not pod.terminating
            and pod.body["metadata"]["namespace"] == space
            and matches(spec.get("selector"), pod.body["metadata"].get("labels"))
        ]
        if "minAvailable" in spec:
            floor = _count(spec["minAvailable"], len(covered))
        else:
            floor = len(covered) - _count(spec.get("maxUnavailable", 1), len(covered))
        return len(covered), sum(pod.ready for pod in covered), floor


def _count(value: int | str, of: int) -> int:
    """An int-or-percent of a budget; percentages round up, as the disruption controller does."""
    text = str(value)
    return -(-of * int(text[:-1]) // 100) if text.endswith("%") else int(text)
