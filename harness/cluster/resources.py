"""The kinds that the cluster's API knows: names, groups, scope, what kubectl calls them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Resource:
    """One kind of object. `group` is empty for the core group."""

    plural: str
    kind: str
    group: str = ""
    version: str = "v1"
    namespaced: bool = True
    short: tuple[str, ...] = ()
    scalable: bool = False
    status: bool = False

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version


RESOURCES = (
    Resource("pods", "Pod", short=("po",), status=True),
    Resource("services", "Service", short=("svc",), status=True),
    Resource("endpoints", "Endpoints", short=("ep",)),
    Resource("events", "Event", short=("ev",)),
    Resource("configmaps", "ConfigMap", short=("cm",)),
    Resource("secrets", "Secret"),
    Resource("serviceaccounts", "ServiceAccount", short=("sa",)),
    Resource("persistentvolumeclaims", "PersistentVolumeClaim", short=("pvc",)),
    Resource("nodes", "Node", namespaced=False, short=("no",), status=True),
    Resource("namespaces", "Namespace", namespaced=False, short=("ns",), status=True),
    Resource("deployments", "Deployment", "apps", short=("deploy",), scalable=True, status=True),
    Resource("replicasets", "ReplicaSet", "apps", short=("rs",), scalable=True, status=True),
    Resource("statefulsets", "StatefulSet", "apps", short=("sts",), scalable=True, status=True),
    Resource(
        "horizontalpodautoscalers",
        "HorizontalPodAutoscaler",
        "autoscaling",
        "v2",
        short=("hpa",),
        status=True,
    ),
    Resource("poddisruptionbudgets", "PodDisruptionBudget", "policy", short=("pdb",), status=True),
    Resource("networkpolicies", "NetworkPolicy", "networking.k8s.io", short=("netpol",)),
    Resource("roles", "Role", "rbac.authorization.k8s.io"),
    Resource("rolebindings", "RoleBinding", "rbac.authorization.k8s.io"),
    Resource("networkchaos", "NetworkChaos", "chaos-mesh.org", "v1alpha1"),
    Resource("podchaos", "PodChaos", "chaos-mesh.org", "v1alpha1"),
)

BY_PATH = {(r.group, r.version, r.plural): r for r in RESOURCES}
BY_KIND = {(r.api_version, r.kind): r for r in RESOURCES}
BY_PLURAL = {r.plural: r for r in RESOURCES}
