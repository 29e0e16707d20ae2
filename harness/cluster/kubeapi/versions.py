"""One object in the versions that a kind is served in: kept in one, shown in the one that is asked for."""

from __future__ import annotations

import copy

from harness.cluster.manifests.documents import Json
from harness.cluster.resources import Resource

_HPA = "horizontalpodautoscalers"
_CPU = "targetCPUUtilizationPercentage"


def shown_as(resource: Resource, body: Json) -> Json:
    """The object in the version of `resource`; itself where it is that already."""
    if body.get("apiVersion", resource.api_version) == resource.api_version:
        return body
    if resource.key == _HPA and resource.version == "v1":
        return _hpa_v1(body)
    return {**body, "apiVersion": resource.api_version}


def kept_as(resource: Resource, body: Json) -> Json:
    """The object as it is kept: autoscaling/v1 as v2, everything else as it came."""
    if resource.key != _HPA or body.get("apiVersion") != "autoscaling/v1":
        return body
    body = copy.deepcopy(body)
    spec = body.get("spec") or {}
    body["apiVersion"] = "autoscaling/v2"
    percent = spec.pop(_CPU, None)
    if percent is not None:
        target = {"type": "Utilization", "averageUtilization": percent}
        spec["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
    body.pop("status", None)
    return body


def _hpa_v1(body: Json) -> Json:
    spec, status = copy.deepcopy(body.get("spec") or {}), body.get("status") or {}
    for metric in spec.pop("metrics", None) or ():
        resource = metric.get("resource") or {}
        if resource.get("name") == "cpu" and "averageUtilization" in (resource.get("target") or {}):
            spec[_CPU] = resource["target"]["averageUtilization"]
    spec.pop("behavior", None)
    new = {key: status[key] for key in ("currentReplicas", "desiredReplicas", "lastScaleTime") if key in status}
    for metric in status.get("currentMetrics") or ():
        current = (metric.get("resource") or {}).get("current") or {}
        if (metric.get("resource") or {}).get("name") == "cpu" and "averageUtilization" in current:
            new["currentCPUUtilizationPercentage"] = current["averageUtilization"]
    return {**body, "apiVersion": "autoscaling/v1", "spec": spec, "status": new}
