"""The parts of the Kubernetes API that faults use, by plain HTTP so that an undo step can name its URL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from harness.core.errors import ConfigError, InfraError
from harness.faults.fault import Site, request


@dataclass(frozen=True)
class Pod:
    """A pod as its API shows it."""

    name: str
    uid: str
    ready: bool
    restarts: int


@dataclass(frozen=True)
class Kube:
    """One namespace of one API server."""

    site: Site
    base: str
    namespace: str

    @classmethod
    def of(cls, site: Site) -> Kube:
        """The API of the site's target. Raises InfraError where it has none that faults can use."""
        if site.target.kube_api is None:
            hint = "for a real cluster run `kubectl proxy` and give its URL; for an external target use an LLM fault"
            raise InfraError(f"target {site.target.name!r} has no Kubernetes API", hint=hint)
        return cls(site, site.target.kube_api.rstrip("/"), site.target.namespace)

    def url(self, group: str, resource: str, name: str = "", query: dict[str, str] | None = None) -> str:
        """URL of a resource; `group` is `v1` for the core, else like `apps/v1`."""
        root = f"api/{group}" if group == "v1" else f"apis/{group}"
        tail = f"/{quote(name)}" if name else ""
        asked = f"?{urlencode(query)}" if query else ""
        return f"{self.base}/{root}/namespaces/{quote(self.namespace)}/{resource}{tail}{asked}"

    def get(self, group: str, resource: str, name: str) -> Any:
        """One object. Raises InfraError."""
        return request(self.site, "GET", self.url(group, resource, name), what=f"{resource} {name}")

    def pods(self, selector: str) -> tuple[Pod, ...]:
        """The pods that `selector` (`key=value,...`) matches. Raises ConfigError for an empty one."""
        if not selector.strip():
            raise ConfigError("an empty selector would hit every pod", hint="name labels, e.g. app=agent-search")
        url = self.url("v1", "pods", query={"labelSelector": selector})
        rows = request(self.site, "GET", url, what=f"pods {selector}")["items"]
        return tuple(_pod(row) for row in rows if not row["metadata"].get("deletionTimestamp"))

    def selector_of(self, workload: str) -> str:
        """The label selector of a Deployment or StatefulSet. Raises ConfigError where there is none."""
        _, body = self.workload(workload)
        labels = (body["spec"].get("selector") or {}).get("matchLabels") or {}
        if not labels:
            raise ConfigError(f"workload {workload!r} has no matchLabels to select its pods by")
        return ",".join(f"{key}={value}" for key, value in sorted(labels.items()))

    def labels_of(self, workload: str) -> dict[str, str]:
        """The same as a mapping, for a policy."""
        return dict(pair.split("=", 1) for pair in self.selector_of(workload).split(","))

    def workload(self, name: str) -> tuple[str, Any]:
        """(`deployments` or `statefulsets`, the object). Raises ConfigError where there is no such one."""
        for resource in ("deployments", "statefulsets"):
            try:
                return resource, self.get("apps/v1", resource, name)
            except InfraError as error:
                if "answered 404" not in error.message:
                    raise
        raise ConfigError(
            f"no Deployment or StatefulSet {name!r} in namespace {self.namespace}",
            hint="kubectl get deployments,statefulsets",
        )


def _pod(row: Any) -> Pod:
    status = row.get("status") or {}
    conditions = {entry["type"]: entry["status"] for entry in status.get("conditions") or ()}
    return Pod(
        name=row["metadata"]["name"],
        uid=row["metadata"]["uid"],
        ready=conditions.get("Ready") == "True",
        restarts=sum(int(c.get("restartCount", 0)) for c in status.get("containerStatuses") or ()),
    )
