"""Service: probes, what tools are guarded by, who is let in, where secrets lie."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from harness.cluster.manifests.documents import Document
from harness.cluster.manifests.kustomize import containers_of
from harness.readiness.item import item, proven, shown
from harness.readiness.workloads import RUNNING, Objection, of_kind, written

SECRET_NAME = re.compile(r"(?i)(^|_|-)(api_?key|secret|password|passwd|token|credentials?|private_?key)s?($|_|-)")
POINTER = re.compile(r"(?i)(file|path|url|uri|ttl|seconds|limit|cap|budget|audience|name|issuer|per_)s?$")
SECRET_VALUE = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----|\bsk-[A-Za-z0-9_-]{16,}|\bAKIA[0-9A-Z]{16}\b|\bghp_\w{30,}"
)


def literal_secrets(documents: Sequence[Document]) -> Iterable[Objection] | None:
    """Values that look like secrets, in environments and ConfigMaps; None where nothing takes a secret at all."""
    found = []
    workloads = of_kind(documents, *RUNNING)
    for workload in workloads:
        for container in containers_of(workload.body):
            for entry in container.get("env") or ():
                if _secret(entry.get("name", ""), entry.get("value")):
                    found.append(Objection(workload, f"{entry['name']} is a literal of container {container['name']}"))
    for config in of_kind(documents, "ConfigMap"):
        for name, value in (config.body.get("data") or {}).items():
            if _secret(name, value):
                found.append(Objection(config, f"{name} is a secret in a ConfigMap"))
    uses = any(_takes_secret(document) for document in workloads)
    return found if found or uses else None


def _secret(name: str, value: object) -> bool:
    if not isinstance(value, str) or not value.strip():
        return False
    if SECRET_VALUE.search(value):
        return True
    named = bool(SECRET_NAME.search(name)) and not POINTER.search(name)
    return named and not value.startswith(("/", "http://", "https://")) and not value.isdigit()


def _takes_secret(workload: Document) -> bool:
    text = str(workload.body)
    return any(word in text for word in ("secretKeyRef", "secretRef", "secretName", "secrets-store.csi"))


item(
    "SVC-1",
    "/health answers, also while what the service needs is away, and reports the LLM client",
    proven(),
    shown("contracts/*/probes/probes.health.reports/*"),
    how="windtunnel contracts, with `health_reports` of the service",
)
item("SVC-2", "/ready fails when a dependency is out of reach", proven(), how="windtunnel contracts dependencies")
item(
    "SVC-3",
    "every tool call is validated against its schema before it runs",
    proven(),
    how="windtunnel contracts tools",
)
item("SVC-4", "an agent cannot call a tool outside its access list", proven(), how="windtunnel contracts tools")
item("SVC-5", "calls between services without a valid token are refused", proven(), how="windtunnel contracts auth")
item(
    "SVC-6",
    "secrets come from Secrets or a vault, not from literals or ConfigMaps",
    written(literal_secrets, "no secret among the literals", "put it into a Secret and mount it or refer to it"),
    how="name the manifests of production in [readiness] of windtunnel.toml",
)
