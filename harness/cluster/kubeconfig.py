"""A kubeconfig for the local cluster, so that kubectl and the official clients find it."""

from __future__ import annotations

from pathlib import Path

import yaml

CONTEXT = "windtunnel-local"


def write_kubeconfig(path: Path, url: str, namespace: str) -> Path:
    """Write `path` with one context, `windtunnel-local`."""
    body = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": CONTEXT,
        "clusters": [{"name": CONTEXT, "cluster": {"server": url}}],
        "users": [{"name": CONTEXT, "user": {}}],
        "contexts": [{"name": CONTEXT, "context": {"cluster": CONTEXT, "user": CONTEXT, "namespace": namespace}}],
    }
    path.write_text(yaml.safe_dump(body, sort_keys=False))
    return path
