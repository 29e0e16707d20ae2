"""The kinds that the cluster's API knows: names, groups, scope, what kubectl calls them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from harness.cluster.manifests.documents import Json


@dataclass(frozen=True)
class Resource:
    """One kind of object in one version. `group` is empty for the core group."""

    plural: str
    kind: str
    group: str = ""
    version: str = "v1"
    namespaced: bool = True
    short: tuple[str, ...] = ()
    scalable: bool = False
    status: bool = False
    measured: bool = False  # made up when it is asked for, and kept nowhere
    custom: bool = False  # from a CustomResourceDefinition
    singular: str = ""
    columns: tuple[Json, ...] = ()  # additionalPrinterColumns of a custom one
    schema: Json | None = None  # openAPIV3Schema of a custom one

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def key(self) -> str:
        """What the store files its objects under: all versions of a kind are one."""
        return self.full_name if self.custom or self.measured else self.plural

    @property
    def full_name(self) -> str:
        """As messages name it: `deployments.apps`, `pods`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural


def _cluster_wide(plural: str, kind: str, group: str = "", *short: str, status: bool = False) -> Resource:
    return Resource(plural, kind, group, namespaced=False, short=short, status=status)


# What the cluster acts on comes first; the others are kept and shown, and nothing follows from them.
BUILT_IN = (
    Resource("pods", "Pod", short=("po",), status=True),
    Resource("services", "Service", short=("svc",), status=True),
    Resource("endpoints", "Endpoints", short=("ep",)),
    Resource("events", "Event", short=("ev",)),
    Resource("configmaps", "ConfigMap", short=("cm",)),
    Resource("secrets", "Secret"),
    Resource("serviceaccounts", "ServiceAccount", short=("sa",)),
    Resource("replicationcontrollers", "ReplicationController", short=("rc",), scalable=True, status=True),
    _cluster_wide("nodes", "Node", "", "no", status=True),
    _cluster_wide("namespaces", "Namespace", "", "ns", status=True),
    Resource("deployments", "Deployment", "apps", short=("deploy",), scalable=True, status=True),
    Resource("replicasets", "ReplicaSet", "apps", short=("rs",), scalable=True, status=True),
    Resource("statefulsets", "StatefulSet", "apps", short=("sts",), scalable=True, status=True),
    Resource("daemonsets", "DaemonSet", "apps", short=("ds",), status=True),
    Resource("jobs", "Job", "batch", status=True),
    Resource("poddisruptionbudgets", "PodDisruptionBudget", "policy", short=("pdb",), status=True),
    Resource("networkpolicies", "NetworkPolicy", "networking.k8s.io", short=("netpol",)),
    Resource("networkchaos", "NetworkChaos", "chaos-mesh.org", "v1alpha1", status=True),
    Resource("podchaos", "PodChaos", "chaos-mesh.org", "v1alpha1", status=True),
    Resource("stresschaos", "StressChaos", "chaos-mesh.org", "v1alpha1", status=True),
    Resource("iochaos", "IOChaos", "chaos-mesh.org", "v1alpha1", status=True),
    _cluster_wide("customresourcedefinitions", "CustomResourceDefinition", "apiextensions.k8s.io", "crd", status=True),
    Resource("horizontalpodautoscalers", "HorizontalPodAutoscaler", "autoscaling", "v2", short=("hpa",), status=True),
    Resource("horizontalpodautoscalers", "HorizontalPodAutoscaler", "autoscaling", "v1", short=("hpa",), status=True),
    Resource("pods", "PodMetrics", "metrics.k8s.io", "v1beta1", measured=True, singular="pod"),
    Resource("nodes", "NodeMetrics", "metrics.k8s.io", "v1beta1", namespaced=False, measured=True, singular="node"),
    Resource("persistentvolumeclaims", "PersistentVolumeClaim", short=("pvc",), status=True),
    _cluster_wide("persistentvolumes", "PersistentVolume", "", "pv", status=True),
    Resource("limitranges", "LimitRange", short=("limits",)),
    Resource("resourcequotas", "ResourceQuota", short=("quota",), status=True),
    Resource("podtemplates", "PodTemplate"),
    Resource("controllerrevisions", "ControllerRevision", "apps"),
    Resource("cronjobs", "CronJob", "batch", short=("cj",), status=True),
    Resource("ingresses", "Ingress", "networking.k8s.io", short=("ing",), status=True),
    _cluster_wide("ingressclasses", "IngressClass", "networking.k8s.io"),
    Resource("roles", "Role", "rbac.authorization.k8s.io"),
    Resource("rolebindings", "RoleBinding", "rbac.authorization.k8s.io"),
    _cluster_wide("clusterroles", "ClusterRole", "rbac.authorization.k8s.io"),
    _cluster_wide("clusterrolebindings", "ClusterRoleBinding", "rbac.authorization.k8s.io"),
    Resource("leases", "Lease", "coordination.k8s.io"),
    _cluster_wide("storageclasses", "StorageClass", "storage.k8s.io", "sc"),
    Resource("csistoragecapacities", "CSIStorageCapacity", "storage.k8s.io"),
    _cluster_wide("csidrivers", "CSIDriver", "storage.k8s.io"),
    _cluster_wide("csinodes", "CSINode", "storage.k8s.io"),
    _cluster_wide("volumeattachments", "VolumeAttachment", "storage.k8s.io", status=True),
    _cluster_wide("certificatesigningrequests", "CertificateSigningRequest", "certificates.k8s.io", "csr", status=True),
    _cluster_wide("runtimeclasses", "RuntimeClass", "node.k8s.io"),
    Resource("endpointslices", "EndpointSlice", "discovery.k8s.io"),
    _cluster_wide("mutatingwebhookconfigurations", "MutatingWebhookConfiguration", "admissionregistration.k8s.io"),
    _cluster_wide("validatingwebhookconfigurations", "ValidatingWebhookConfiguration", "admissionregistration.k8s.io"),
    _cluster_wide("priorityclasses", "PriorityClass", "scheduling.k8s.io", "pc"),
    _cluster_wide("apiservices", "APIService", "apiregistration.k8s.io", status=True),
)


@dataclass
class Catalogue:
    """The kinds of one cluster: those built in, and those that CustomResourceDefinitions add."""

    _custom: dict[str, tuple[Resource, ...]] = field(default_factory=dict)  # by the name of the definition

    def __iter__(self) -> Iterator[Resource]:
        yield from BUILT_IN
        for rows in self._custom.values():
            yield from rows

    def by_path(self, group: str, version: str, plural: str) -> Resource | None:
        return next((r for r in self if (r.group, r.version, r.plural) == (group, version, plural)), None)

    def by_kind(self, api_version: str, kind: str) -> Resource | None:
        return next((r for r in self if (r.api_version, r.kind) == (api_version, kind)), None)

    def define(self, definition: Json) -> None:
        """Serve the kinds of a CustomResourceDefinition."""
        spec = definition["spec"]
        names = spec["names"]
        self._custom[definition["metadata"]["name"]] = tuple(
            Resource(
                names["plural"],
                names["kind"],
                spec["group"],
                version["name"],
                namespaced=spec.get("scope", "Namespaced") == "Namespaced",
                short=tuple(names.get("shortNames") or ()),
                status="status" in (version.get("subresources") or {}),
                custom=True,
                singular=names.get("singular") or names["kind"].lower(),
                schema=(version.get("schema") or {}).get("openAPIV3Schema"),
                columns=tuple(version.get("additionalPrinterColumns") or ()),
            )
            for version in spec["versions"]
            if version.get("served", True)
        )

    def forget(self, name: str) -> tuple[Resource, ...]:
        """Serve the kinds of a definition no longer; returns them."""
        return self._custom.pop(name, ())
