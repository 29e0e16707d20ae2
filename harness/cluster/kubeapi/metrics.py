"""metrics.k8s.io: what pods and the node use now, as `kubectl top` shows it."""

from __future__ import annotations

import os
from pathlib import Path

from starlette.responses import Response

from harness.cluster.admission import NODE
from harness.cluster.cluster import LocalCluster
from harness.cluster.kubeapi.answers import answer, not_allowed, not_found
from harness.cluster.kubeapi.request import Ask
from harness.cluster.kubeapi.rows import check, wanted
from harness.cluster.manifests.documents import Json
from harness.cluster.quantities import milli
from harness.cluster.runtime.usage import WINDOW_S


def metrics_of(cluster: LocalCluster, ask: Ask) -> Response:
    """GET of PodMetrics or NodeMetrics, one or many. Pods that were not metered yet miss, as in a cluster."""
    if ask.method != "GET":
        return not_allowed()
    rows = _pods(cluster) if ask.resource.kind == "PodMetrics" else [_node(cluster)]
    rows = [row for row in rows if not ask.namespace or row["metadata"]["namespace"] == ask.namespace]
    if ask.name:
        found = next((row for row in rows if row["metadata"]["name"] == ask.name), None)
        return answer(found) if found else not_found(ask.resource, ask.name)
    labels, fields = ask.query.get("labelSelector", ""), ask.query.get("fieldSelector", "")
    check(labels, fields, ask.resource.key)
    rows = [row for row in rows if wanted(row, labels, fields, ask.resource.key)]
    head = {"kind": f"{ask.resource.kind}List", "apiVersion": ask.resource.api_version}
    return answer({**head, "metadata": {"resourceVersion": str(cluster.store.version)}, "items": rows})


def _head(kind: str, metadata: Json, cluster: LocalCluster) -> Json:
    now = cluster.store.now()
    same: Json = {key: metadata[key] for key in ("name", "namespace", "labels") if key in metadata}
    head: Json = {"kind": kind, "apiVersion": "metrics.k8s.io/v1beta1", "metadata": {**same, "creationTimestamp": now}}
    return {**head, "timestamp": now, "window": f"{WINDOW_S:g}s"}


def _usage(cores: float, resident: int) -> Json:
    return {"cpu": f"{round(cores * 1e9)}n", "memory": f"{resident // 1024}Ki"}


def _pods(cluster: LocalCluster) -> list[Json]:
    rows = []
    for pod in sorted(cluster.pods.values(), key=lambda p: p.name):
        meters = cluster.metering.of(pod)
        if meters and len(meters) == len(pod.states):
            containers = [{"name": n, "usage": _usage(m.cores or 0.0, m.last.resident)} for n, m in meters.items()]
            rows.append({**_head("PodMetrics", pod.body["metadata"], cluster), "containers": containers})
    return rows


def _node(cluster: LocalCluster) -> Json:
    """The machine's: the load of a minute stands for its cores in use, which it is not above."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    memory: dict[str, int] = {line.split(":")[0]: int(line.split()[1]) for line in lines if line.endswith("kB")}
    used = memory["MemTotal"] - memory.get("MemAvailable", memory["MemFree"])
    cores = min(float(os.cpu_count() or 1), os.getloadavg()[0])
    node = cluster.store.get("nodes", "", NODE)
    usage = {"cpu": milli(cores), "memory": f"{used}Ki"}
    return {**_head("NodeMetrics", node["metadata"], cluster), "usage": usage}
