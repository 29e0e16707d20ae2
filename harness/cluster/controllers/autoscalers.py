"""HorizontalPodAutoscalers: as many pods as their metrics ask for.

The arithmetic is Kubernetes' own: https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from harness.cluster.controllers.controller import Owned, condition
from harness.cluster.controllers.scaling import Told, behaved
from harness.cluster.manifests.documents import Json
from harness.cluster.measures import Measures, NoMeasure
from harness.cluster.quantities import milli, quantity
from harness.cluster.runtime.pod import PodRuntime
from harness.cluster.selectors import matches
from harness.cluster.store import NotFound

SYNC_S = 2.0  # a kube-controller-manager takes 15 s; nobody waits for that on a laptop
TOLERANCE = 0.1
SCALED = {"Deployment": "deployments", "StatefulSet": "statefulsets", "ReplicaSet": "replicasets",
          "ReplicationController": "replicationcontrollers"}  # fmt: skip


@dataclass
class Autoscalers(Owned):
    """Scales what each object points at; `sync` is called every SYNC_S."""

    measures: Measures
    _told: dict[str, deque[Told]] = field(default_factory=dict)  # by uid: what was recommended, and when

    async def sync(self) -> bool:
        """Measure and scale; tells whether anything was scaled."""
        scaled = False
        objects = self.store.list("horizontalpodautoscalers")
        self._told = {uid: rows for uid, rows in self._told.items() if uid in {_uid(body) for body in objects}}
        for body in objects:
            try:
                scaled |= await self._one(body)
            except NotFound:
                continue  # it went meanwhile
            except Exception as error:
                text = f"{type(error).__name__}: {error}"
                self.pods.events.record(body, "Warning", "FailedSync", text, "horizontal-pod-autoscaler")
        return scaled

    async def _one(self, hpa: Json) -> bool:
        spec, space = hpa["spec"], hpa["metadata"]["namespace"]
        reference = spec["scaleTargetRef"]
        plural = SCALED.get(reference["kind"], "")
        target = self.store.find(plural, space, reference["name"]) if plural else None
        if target is None:
            text = f"the HPA controller was unable to get the target's current scale: {reference['kind']} not found"
            self._status(hpa, {}, able=("FailedGetScale", text))
            return False
        now = int(target["spec"].get("replicas", 1))
        pods = [
            pod
            for pod in self.pods.running.values()
            if not pod.terminating
            and pod.body["metadata"]["namespace"] == space
            and matches(target["spec"].get("selector"), pod.body["metadata"].get("labels"))
        ]
        status: Json = {"currentReplicas": now, "desiredReplicas": now}
        if now == 0:
            self._status(hpa, status, active=("ScalingDisabled", "scaling is disabled since the replica count is zero"))
            return False
        wanted, seen, problem = await self._wanted(hpa, pods, now)
        status["currentMetrics"] = seen
        if wanted is None:
            self._status(hpa, status, active=("FailedGetMetric", problem))
            self.pods.events.record(hpa, "Warning", "FailedGetMetric", problem, "horizontal-pod-autoscaler")
            return False
        told = self._told.setdefault(_uid(hpa), deque())
        count, limited = behaved(spec, now, wanted, told, self.pods.clock.monotonic())
        status["desiredReplicas"] = count
        if count != now:
            status["lastScaleTime"] = self.store.now()
            self.store.update(plural, space, reference["name"], lambda body: body["spec"].update(replicas=count))
            text = f"New size: {count}; reason: {'above' if count > now else 'below'} target"
            self.tell(hpa, "SuccessfulRescale", text, "horizontal-pod-autoscaler")
        self._status(hpa, status, limited=limited)
        return count != now

    async def _wanted(self, hpa: Json, pods: list[PodRuntime], now: int) -> tuple[int | None, list[Json], str]:
        """What the metrics ask for: the most of them. One that cannot be measured keeps the count from going down."""
        best, seen, problem = None, [], ""
        for metric in hpa["spec"].get("metrics") or [_CPU_80]:
            try:
                wanted, shown = await self._metric(metric, pods, now, hpa["metadata"]["namespace"])
            except (NoMeasure, ValueError) as error:
                problem = problem or str(error)
                continue
            seen.append(shown)
            best = wanted if best is None else max(best, wanted)
        if problem and best is not None and best < now:
            best = now
        return best, seen, problem

    async def _metric(self, metric: Json, pods: list[PodRuntime], now: int, space: str) -> tuple[int, Json]:
        kind = metric["type"]
        row = metric[kind[0].lower() + kind[1:]]
        target, ready = row["target"], [pod for pod in pods if pod.ready]
        if kind in ("Resource", "ContainerResource"):
            container = row.get("container")
            used = self.measures.used(ready, row["name"], container)
            average = sum(used.values()) / len(used)
            shown: Json = {"name": row["name"], **({"container": container} if container else {})}
            current: Json = {"averageValue": milli(average)}
            if "averageUtilization" in target:
                asked = sum(self.measures.requested(p, row["name"], container) for p in ready if p.name in used)
                percent = 100 * sum(used.values()) / asked
                current["averageUtilization"] = int(percent)
                ratio = percent / float(target["averageUtilization"])
            else:
                ratio = average / float(quantity(target["averageValue"]))
            wanted = _by_ratio(ratio, len(used), now)
        elif kind == "Pods":
            told = await self.measures.of_pods(ready, row["metric"]["name"], row["metric"].get("selector"))
            average = sum(told.values()) / len(told)
            shown, current = {"metric": row["metric"]}, {"averageValue": milli(average)}
            wanted = _by_ratio(average / float(quantity(target["averageValue"])), len(told), now)
        elif kind == "External":
            value = await self.measures.external(space, row["metric"]["name"], row["metric"].get("selector"))
            shown = {"metric": row["metric"]}
            if "averageValue" in target:
                current = {"averageValue": milli(value / now)}
                per_pod = float(quantity(target["averageValue"]))
                wanted = now if abs(value / (per_pod * now) - 1) <= TOLERANCE else math.ceil(value / per_pod)
            else:
                current = {"value": milli(value)}
                wanted = _by_ratio(value / float(quantity(target["value"])), max(1, len(ready)), now)
        else:
            raise NoMeasure(f"metrics of type {kind} are not measured here")
        return wanted, {"type": kind, kind[0].lower() + kind[1:]: {**shown, "current": current}}

    def _status(self, hpa: Json, status: Json, **told: Any) -> None:
        before, now = hpa.get("status") or {}, self.store.now()
        good = {
            "AbleToScale": ("ReadyForNewScale", "recommended size matches current size", True),
            "ScalingActive": ("ValidMetricFound", "the HPA was able to compute the replica count", True),
            "ScalingLimited": ("DesiredWithinRange", "the desired count is within the acceptable range", False),
        }
        if "able" in told:
            good["AbleToScale"] = (*told["able"], False)
        if "active" in told:
            good["ScalingActive"] = (*told["active"], False)
        if told.get("limited"):
            good["ScalingLimited"] = (told["limited"], "the desired count is outside of the acceptable range", True)
        rows = [condition(k, yes, why, text, before=before, now=now) for k, (why, text, yes) in good.items()]
        kept = {"lastScaleTime": before["lastScaleTime"]} if "lastScaleTime" in before else {}
        self.set_status("horizontalpodautoscalers", hpa, {**kept, **status, "conditions": rows})


_CPU_80: Json = {
    "type": "Resource",
    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}},
}


def _by_ratio(ratio: float, measured: int, now: int) -> int:
    return now if abs(ratio - 1) <= TOLERANCE else math.ceil(ratio * measured)


def _uid(body: Json) -> str:
    return str(body["metadata"]["uid"])
