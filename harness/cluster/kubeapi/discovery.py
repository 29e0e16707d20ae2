"""What the API offers: /api, /apis, /version and the resource lists."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from harness.cluster.kubeapi.answers import answer
from harness.cluster.manifests.documents import Json
from harness.cluster.resources import Catalogue, Resource

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
PROXY = ["create", "delete", "get", "patch", "update"]
ALL = ("pods", "services", "deployments", "replicasets", "statefulsets", "daemonsets", "jobs", "cronjobs",
       "replicationcontrollers", "horizontalpodautoscalers")  # fmt: skip
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


class Discovery:
    """Describes a catalogue, in the plain and in the aggregated form."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def core(self, request: Request) -> Response:
        """/api."""
        if _aggregated(request):
            return answer(self._aggregate({"": ["v1"]}), media_type=AGGREGATED)
        return answer({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []})

    def groups(self, request: Request) -> Response:
        """/apis."""
        versions = self._versions()
        if _aggregated(request):
            return answer(self._aggregate(versions), media_type=AGGREGATED)
        rows = [_group(name, found) for name, found in versions.items()]
        return answer({"kind": "APIGroupList", "apiVersion": "v1", "groups": rows})

    def group(self, name: str) -> Json | None:
        """/apis/NAME; None when there is no such group."""
        found = self._versions().get(name)
        return {"kind": "APIGroup", "apiVersion": "v1", **_group(name, found)} if found else None

    def resources(self, group: str, version: str) -> Json | None:
        """The resources of one group and version; None when there is no such group."""
        mine = self._of(group, version)
        rows = [row for resource in mine for row in _rows(resource)]
        name = f"{group}/{version}" if group else version
        head = {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": name}
        return {**head, "resources": rows} if mine else None

    def _of(self, group: str, version: str) -> list[Resource]:
        return [r for r in self._catalogue if (r.group, r.version) == (group, version)]

    def _versions(self) -> dict[str, list[str]]:
        groups: dict[str, list[str]] = {}
        for resource in self._catalogue:
            if resource.group and resource.version not in groups.setdefault(resource.group, []):
                groups[resource.group].append(resource.version)
        return groups

    def _aggregate(self, groups: dict[str, list[str]]) -> Json:
        items = [
            {
                "metadata": {"name": name, "creationTimestamp": None},
                "versions": [
                    {
                        "version": version,
                        "freshness": "Current",
                        "resources": [_described(resource) for resource in self._of(name, version)],
                    }
                    for version in versions
                ],
            }
            for name, versions in groups.items()
        ]
        head = {"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}}
        return {**head, "items": items}


def _aggregated(request: Request) -> bool:
    accepted = request.headers.get("accept", "").split(",")
    return any("as=APIGroupDiscoveryList" in entry and "v=v2;" in entry + ";" for entry in accepted)


def _group(name: str, versions: list[str]) -> Json:
    rows = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {"name": name, "versions": rows, "preferredVersion": rows[0]}


def _base(resource: Resource) -> Json:
    row: Json = {
        "name": resource.plural,
        "singularName": resource.singular or resource.kind.lower(),
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": ["get", "list"] if resource.measured else VERBS,
    }
    if resource.short:
        row["shortNames"] = list(resource.short)
    if resource.key in ALL:
        row["categories"] = ["all"]
    return row


def _below(resource: Resource) -> list[Json]:
    """The subresources: name, kind and verbs of each."""
    rows: list[Json] = []
    if resource.status:
        rows.append({"name": "status", "kind": resource.kind, "verbs": ["get", "patch", "update"]})
    if resource.scalable:
        rows.append({"name": "scale", "kind": "Scale", "group": "autoscaling", "version": "v1",
                     "verbs": ["get", "patch", "update"]})  # fmt: skip
    if resource.key == "serviceaccounts":
        rows.append({"name": "token", "kind": "TokenRequest", "group": "authentication.k8s.io", "version": "v1",
                     "verbs": ["create"]})  # fmt: skip
    if resource.key == "services":
        rows.append({"name": "proxy", "kind": "ServiceProxyOptions", "verbs": PROXY})
    if resource.key == "pods":
        rows.append({"name": "log", "kind": "Pod", "verbs": ["get"]})
        rows.append({"name": "exec", "kind": "PodExecOptions", "verbs": ["create", "get"]})
        rows.append({"name": "attach", "kind": "PodAttachOptions", "verbs": ["create", "get"]})
        rows.append({"name": "portforward", "kind": "PodPortForwardOptions", "verbs": ["create", "get"]})
        rows.append({"name": "proxy", "kind": "PodProxyOptions", "verbs": PROXY})
        rows.append({"name": "eviction", "kind": "Eviction", "group": "policy", "version": "v1", "verbs": ["create"]})
    return rows


def _rows(resource: Resource) -> list[Json]:
    below = [
        {**row, "name": f"{resource.plural}/{row['name']}", "singularName": "", "namespaced": resource.namespaced}
        for row in _below(resource)
    ]
    return [_base(resource), *below]


def _described(resource: Resource) -> Json:
    base = _base(resource)
    row: Json = {
        "resource": base["name"],
        "responseKind": {"group": resource.group, "version": resource.version, "kind": resource.kind},
        "scope": "Namespaced" if resource.namespaced else "Cluster",
        "singularResource": base["singularName"],
        "verbs": base["verbs"],
    }
    for key in ("shortNames", "categories"):
        if key in base:
            row[key] = base[key]
    below = [
        {
            "subresource": entry["name"],
            "responseKind": {
                "group": entry.get("group", resource.group),
                "version": entry.get("version", resource.version),
                "kind": entry["kind"],
            },
            "verbs": entry["verbs"],
        }
        for entry in _below(resource)
    ]
    return {**row, "subresources": below} if below else row
