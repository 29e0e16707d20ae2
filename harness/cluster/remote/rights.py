"""What the harness has to be allowed in a real cluster: the least of it, as manifests/rbac.yaml grants it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from harness.cluster.remote.kubectl import Kubectl
from harness.core.errors import InfraError

MANIFESTS = Path(__file__).parent / "manifests"


def needed() -> list[tuple[str, str]]:
    """Each right in the namespace as (verb, resource), the resource as `kubectl auth can-i` takes it."""
    rows: list[tuple[str, str]] = []
    for body in yaml.safe_load_all((MANIFESTS / "rbac.yaml").read_text()):
        if body["kind"] == "Role":
            rows += [pair for rule in body["rules"] for pair in _pairs(rule)]
    return rows


def _pairs(rule: dict[str, Any]) -> list[tuple[str, str]]:
    found = []
    for group in rule["apiGroups"]:
        for resource in rule["resources"]:
            plain, _, sub = resource.partition("/")
            name = f"{plain}.{group}" if group else plain
            found += [(verb, f"{name}/{sub}" if sub else name) for verb in rule["verbs"]]
    return found


def lacking(kubectl: Kubectl, namespace: str) -> list[str]:
    """The rights that whoever the context is does not have, as `verb resource`."""
    missing = []
    for verb, resource in needed():
        plain, _, sub = resource.partition("/")
        words = ["auth", "can-i", verb, plain, "-n", namespace, *([f"--subresource={sub}"] if sub else [])]
        try:
            kubectl.run(*words)
        except InfraError:
            missing.append(f"{verb} {resource}")
    return missing
