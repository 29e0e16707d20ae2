"""Objects as the Table that `kubectl get` asks for and prints."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from harness.cluster.manifests.documents import Json

Row = Callable[[Json, datetime], list[Any]]


def age(body: Json, now: datetime) -> str:
    """How long ago the object was made, as kubectl writes it: 12s, 3m5s, 2h3m."""
    stamp = body["metadata"].get("creationTimestamp")
    if not stamp:
        return "<unknown>"
    seconds = max(0, int((now - datetime.fromisoformat(stamp.replace("Z", "+00:00"))).total_seconds()))
    if seconds < 120:
        return f"{seconds}s"
    minutes, rest = divmod(seconds, 60)
    if minutes < 10:
        return f"{minutes}m{rest}s" if rest else f"{minutes}m"
    hours, left = divmod(minutes, 60)
    return (
        f"{minutes}m"
        if hours < 3
        else f"{hours}h{left}m"
        if hours < 8
        else f"{hours}h"
        if hours < 48
        else f"{hours // 24}d"
    )


def _pod(body: Json, now: datetime) -> list[Any]:
    status = body.get("status") or {}
    rows = status.get("containerStatuses") or ()
    ready = f"{sum(row['ready'] for row in rows)}/{len(body['spec'].get('containers') or ())}"
    word = status.get("phase", "Pending")
    for row in rows:
        waiting = row["state"].get("waiting")
        if waiting:
            word = waiting["reason"]
        ended = row["state"].get("terminated")
        if ended:
            word = ended["reason"]
    if body["metadata"].get("deletionTimestamp"):
        word = "Terminating"
    return [ready, word, sum(row["restartCount"] for row in rows), age(body, now)]


def _deployment(body: Json, now: datetime) -> list[Any]:
    status = body.get("status") or {}
    ready = f"{status.get('readyReplicas', 0)}/{body['spec'].get('replicas', 1)}"
    return [ready, status.get("updatedReplicas", 0), status.get("availableReplicas", 0), age(body, now)]


def _service(body: Json, now: datetime) -> list[Any]:
    spec = body["spec"]
    ports = ",".join(f"{p['port']}/{p.get('protocol', 'TCP')}" for p in spec.get("ports") or ()) or "<none>"
    return [
        spec.get("type", "ClusterIP"),
        spec.get("clusterIP", "127.0.0.1"),
        "<none>",
        ports,
        age(body, now),
    ]


COLUMNS: dict[str, tuple[tuple[str, ...], Row]] = {
    "pods": (("Ready", "Status", "Restarts", "Age"), _pod),
    "deployments": (("Ready", "Up-to-date", "Available", "Age"), _deployment),
    "statefulsets": (("Ready", "Age"), lambda b, n: [_deployment(b, n)[0], age(b, n)]),
    "replicasets": (
        ("Desired", "Current", "Ready", "Age"),
        lambda b, n: [
            b["spec"].get("replicas", 1),
            (b.get("status") or {}).get("replicas", 0),
            (b.get("status") or {}).get("readyReplicas", 0),
            age(b, n),
        ],
    ),
    "services": (("Type", "Cluster-IP", "External-IP", "Port(s)", "Age"), _service),
    "daemonsets": (
        ("Desired", "Current", "Ready", "Age"),
        lambda b, n: [
            (b.get("status") or {}).get("desiredNumberScheduled", 1),
            (b.get("status") or {}).get("currentNumberScheduled", 0),
            (b.get("status") or {}).get("numberReady", 0),
            age(b, n),
        ],
    ),
    "jobs": (
        ("Status", "Completions", "Age"),
        lambda b, n: [
            next((c["type"] for c in (b.get("status") or {}).get("conditions") or ()), "Running"),
            f"{(b.get('status') or {}).get('succeeded', 0)}/{b['spec'].get('completions', 1)}",
            age(b, n),
        ],
    ),
    "endpoints": (
        ("Endpoints", "Age"),
        lambda b, n: [
            ",".join(
                f"{address['ip']}:{port['port']}"
                for subset in b.get("subsets") or ()
                for address in subset.get("addresses") or ()
                for port in subset.get("ports") or ()
            )
            or "<none>",
            age(b, n),
        ],
    ),
    "nodes": (
        ("Status", "Roles", "Age", "Version"),
        lambda b, n: ["Ready", "<none>", age(b, n), b["status"]["nodeInfo"]["kubeletVersion"]],
    ),
    "namespaces": (
        ("Status", "Age"),
        lambda b, n: [(b.get("status") or {}).get("phase", "Active"), age(b, n)],
    ),
    "events": (
        ("Last Seen", "Type", "Reason", "Object", "Message"),
        lambda b, n: [
            age(b, n),
            b.get("type", ""),
            b.get("reason", ""),
            f"{b['involvedObject']['kind'].lower()}/{b['involvedObject']['name']}",
            b.get("message", ""),
        ],
    ),
    "configmaps": (("Data", "Age"), lambda b, n: [len(b.get("data") or {}), age(b, n)]),
    "secrets": (
        ("Type", "Data", "Age"),
        lambda b, n: [b.get("type", "Opaque"), len(b.get("data") or {}), age(b, n)],
    ),
}
_DEFAULT: tuple[tuple[str, ...], Row] = (("Age",), lambda b, n: [age(b, n)])


def table(plural: str, bodies: list[Json], version: int, now: datetime) -> Json:
    """A meta.k8s.io/v1 Table of `bodies`."""
    names, cells = COLUMNS.get(plural, _DEFAULT)
    columns = [
        {
            "name": name,
            "type": "string",
            "format": "name" if name == "Name" else "",
            "description": name,
            "priority": 0,
        }
        for name in ("Name", *names)
    ]
    rows = [
        {
            "cells": [body["metadata"]["name"], *cells(body, now)],
            "object": {
                "kind": "PartialObjectMetadata",
                "apiVersion": "meta.k8s.io/v1",
                "metadata": body["metadata"],
            },
        }
        for body in bodies
    ]
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {"resourceVersion": str(version)},
        "columnDefinitions": columns,
        "rows": rows,
    }
