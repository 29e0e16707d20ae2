"""Deployment: what the manifests of production say, and rollouts and load as they went."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from harness.cluster.manifests.documents import Document
from harness.readiness.item import item, proven
from harness.readiness.workloads import (
    RUNNING,
    SCALED,
    Objection,
    each_container,
    labels_of,
    of_kind,
    pod_spec,
    selects,
    written,
)

MANIFESTS = "name the manifests of production in [readiness] of windtunnel.toml"
DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")


def unpinned(container: dict[str, Any]) -> str:
    """What is wrong with a container's image."""
    image = str(container.get("image", ""))
    return "" if DIGEST.search(image) else f"image {image or 'absent'} is not pinned by digest"


def unbounded(container: dict[str, Any]) -> str:
    """What is missing of a container's resources; a CPU limit is a choice, memory is not."""
    resources = container.get("resources") or {}
    wanted = (("requests", "cpu"), ("requests", "memory"), ("limits", "memory"))
    missing = [f"{kind}.{name}" for kind, name in wanted if not (resources.get(kind) or {}).get(name)]
    return f"no {', '.join(missing)}" if missing else ""


def not_scaled_by_queue(documents: Sequence[Document]) -> Iterable[Objection] | None:
    """Autoscalers that look at CPU or memory alone; with none at all, the deployments."""
    if not of_kind(documents, *SCALED):
        return None
    scalers = of_kind(documents, "HorizontalPodAutoscaler")
    if not scalers and not of_kind(documents, "ScaledObject"):
        return [Objection(of_kind(documents, *SCALED)[0], "there is no HorizontalPodAutoscaler at all")]
    found = []
    for scaler in scalers:
        kinds = {metric.get("type") for metric in (scaler.body.get("spec") or {}).get("metrics") or ()}
        if not kinds & {"External", "Pods", "Object"}:
            found.append(Objection(scaler, f"scales by {', '.join(sorted(map(str, kinds))) or 'nothing'} alone"))
    return found


def unguarded_by_budget(documents: Sequence[Document]) -> Iterable[Objection] | None:
    """Deployments whose pods no PodDisruptionBudget keeps at one at least."""
    workloads = of_kind(documents, *SCALED)
    if not workloads:
        return None
    budgets = [budget.body.get("spec") or {} for budget in of_kind(documents, "PodDisruptionBudget")]
    return [
        Objection(workload, "no PodDisruptionBudget keeps one of its pods")
        for workload in workloads
        if not any(_keeps_one(spec) and selects(spec.get("selector"), labels_of(workload)) for spec in budgets)
    ]


def _keeps_one(spec: dict[str, Any]) -> bool:
    least, away = spec.get("minAvailable"), spec.get("maxUnavailable")
    if least is not None:
        return str(least) not in ("0", "0%")
    return away is not None and str(away) not in ("0", "0%", "100%")


def unspread(documents: Sequence[Document]) -> Iterable[Objection] | None:
    """Deployments of several replicas that may all lie on one node."""
    workloads = of_kind(documents, *SCALED)
    if not workloads:
        return None
    found = []
    for workload in workloads:
        spec = pod_spec(workload)
        apart = spec.get("topologySpreadConstraints") or (spec.get("affinity") or {}).get("podAntiAffinity")
        if (workload.body.get("spec") or {}).get("replicas", 1) > 1 and not apart:
            found.append(Objection(workload, "no topologySpreadConstraints and no anti-affinity"))
    return found


def hard_rollout(documents: Sequence[Document]) -> Iterable[Objection] | None:
    """Deployments that are replaced at once, or whose pods go while they are still sent requests."""
    workloads = of_kind(documents, *SCALED)
    if not workloads:
        return None
    found = []
    for workload in workloads:
        strategy = ((workload.body.get("spec") or {}).get("strategy") or {}).get("type", "RollingUpdate")
        if strategy != "RollingUpdate":
            found.append(Objection(workload, f"strategy {strategy}"))
        stops = [(c.get("lifecycle") or {}).get("preStop") for c in pod_spec(workload).get("containers") or ()]
        if not any(stops):
            found.append(Objection(workload, "no preStop: it ends while endpoints still name it"))
    return found


item(
    "DEP-1",
    "images are pinned by digest",
    written(
        each_container(RUNNING, unpinned),
        "every image has a digest",
        "kustomize edit set image NAME@sha256:... in the pipeline that builds it",
    ),
    how=MANIFESTS,
)
item(
    "DEP-2",
    "pods are scaled by queue lag or latency, not by CPU alone",
    written(
        not_scaled_by_queue,
        "every autoscaler has such a metric",
        "add an External or Pods metric to the HorizontalPodAutoscaler",
    ),
    how=MANIFESTS,
)
item(
    "DEP-3",
    "a PodDisruptionBudget keeps at least one pod",
    written(unguarded_by_budget, "each deployment has one", "add a PodDisruptionBudget with minAvailable: 1"),
    how=MANIFESTS,
)
item(
    "DEP-4",
    "replicas are spread over nodes",
    written(unspread, "each deployment is spread", "add topologySpreadConstraints on kubernetes.io/hostname"),
    how=MANIFESTS,
)
item(
    "DEP-5",
    "every container has requests and a memory limit",
    written(each_container(RUNNING, unbounded), "every container has them", "measure, then set requests and limits"),
    how=MANIFESTS,
)
item(
    "DEP-6",
    "rolling updates with preStop; a rollout under load loses nothing",
    written(hard_rollout, "each deployment rolls, with preStop", "strategy RollingUpdate, and a preStop that waits"),
    proven(),
    how=f"windtunnel chaos rollout; {MANIFESTS}",
)
item("DEP-7", "'tool fails, agent recovers' is proven", proven(), how="windtunnel scenarios")
item("DEP-8", "ten times the expected peak stays within the SLOs", proven(), how="windtunnel load")
