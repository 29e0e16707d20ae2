"""What the API offers: /api, /apis, /version and the resource lists."""

from __future__ import annotations

from harness.cluster.manifests.documents import Json
from harness.cluster.resources import RESOURCES, Resource

VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
VERSION: Json = {
    "major": "1",
    "minor": "32",
    "gitVersion": "v1.32.0+windtunnel",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "2026-01-01T00:00:00Z",
    "goVersion": "none",
    "compiler": "none",
    "platform": "linux/amd64",
}


def api_versions() -> Json:
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}


def group_list() -> Json:
    groups: dict[str, list[str]] = {}
    for resource in RESOURCES:
        if resource.group and resource.version not in groups.setdefault(resource.group, []):
            groups[resource.group].append(resource.version)
    return {
        "kind": "APIGroupList",
        "apiVersion": "v1",
        "groups": [group(name, v) for name, v in groups.items()],
    }


def group(name: str, versions: list[str]) -> Json:
    rows = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {
        "kind": "APIGroup",
        "apiVersion": "v1",
        "name": name,
        "versions": rows,
        "preferredVersion": rows[0],
    }


def resource_list(group_name: str, version: str) -> Json | None:
    """The resources of one group and version; None when there is no such group."""
    mine = [r for r in RESOURCES if (r.group, r.version) == (group_name, version)]
    if not mine:
        return None
    rows = [row for resource in mine for row in _rows(resource)]
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": f"{group_name}/{version}" if group_name else version,
        "resources": rows,
    }


def _rows(resource: Resource) -> list[Json]:
    base = {
        "name": resource.plural,
        "singularName": resource.kind.lower(),
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": VERBS,
        "shortNames": list(resource.short),
        **(
            {"categories": ["all"]}
            if resource.plural in ("pods", "services", "deployments", "replicasets", "statefulsets")
            else {}
        ),
    }
    rows: list[Json] = [base]
    if resource.status:
        rows.append(
            {
                **base,
                "name": f"{resource.plural}/status",
                "shortNames": [],
                "verbs": ["get", "patch", "update"],
                "categories": [],
            }
        )
    if resource.scalable:
        rows.append(
            {
                "name": f"{resource.plural}/scale",
                "singularName": "",
                "namespaced": True,
                "kind": "Scale",
                "group": "autoscaling",
                "version": "v1",
                "verbs": ["get", "patch", "update"],
            }
        )
    if resource.plural == "pods":
        rows.append({"name": "pods/log", "singularName": "", "namespaced": True, "kind": "Pod", "verbs": ["get"]})
        rows.append(
            {
                "name": "pods/eviction",
                "singularName": "",
                "namespaced": True,
                "kind": "Eviction",
                "group": "policy",
                "version": "v1",
                "verbs": ["create"],
            }
        )
    return rows
