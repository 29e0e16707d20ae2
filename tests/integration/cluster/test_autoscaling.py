"""Pods are metered: autoscalers follow their metrics, and a container that takes too much memory ends."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from harness.cluster.client import ClusterHandle
from harness.cluster.spec import ClusterSpec
from harness.core.config import Image

Start = Callable[[ClusterSpec], ClusterHandle]
WORK = """
import os, sys, threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

def burn():
    while True:
        pass

class Handler(BaseHTTPRequestHandler):
    lag, held = 0, []
    def do_GET(self):
        what, _, value = self.path.strip("/").partition("/")
        if what == "lag":
            Handler.lag = int(value)
        if what == "burn":
            threading.Thread(target=burn, daemon=True).start()
        if what == "hold":
            Handler.held.append(bytearray(int(value)))
        body = f'backlog{{topic="jobs"}} {Handler.lag}\\n'.encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""
MANIFEST = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: work}
spec:
  selector: {matchLabels: {app: work}}
  template:
    metadata: {labels: {app: work}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: main
          image: work
          env: [{name: PORT, value: "8080"}]
          ports: [{containerPort: 8080, name: http}]
          readinessProbe: {httpGet: {path: /metrics, port: http}, periodSeconds: 1}
          resources: {requests: {cpu: 100m}, limits: {memory: 96Mi}}
---
apiVersion: v1
kind: Service
metadata: {name: work}
spec: {selector: {app: work}, ports: [{port: 8080, targetPort: http}]}
"""
QUICK = {"scaleDown": {"stabilizationWindowSeconds": 0}}


@pytest.fixture
def work(start: Start, tmp_path: Path) -> ClusterHandle:
    """One pod that does what its URL says."""
    (tmp_path / "work.py").write_text(WORK)
    (tmp_path / "work.yaml").write_text(MANIFEST)
    image = Image(command=("python", str(tmp_path / "work.py")))
    return start(
        ClusterSpec(
            name="work",
            namespace="shop",
            root=tmp_path,
            manifests=(tmp_path / "work.yaml",),
            images={"work": image},
            ready_timeout_s=30,
        )
    )


def ask(cluster: ClusterHandle, path: str) -> None:
    httpx.get(f"{cluster.status()['services']['work']}/{path}", timeout=10)


def read(cluster: ClusterHandle, path: str) -> dict[str, Any]:
    answer = httpx.get(f"{cluster.kube_api}{path}")
    return dict(answer.raise_for_status().json())


def until(what: Callable[[], bool], seconds: float = 40) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it never came about"
        time.sleep(0.1)


def autoscale(cluster: ClusterHandle, metric: dict[str, Any], most: int = 3) -> str:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "work"}
    spec = {"scaleTargetRef": target, "minReplicas": 1, "maxReplicas": most, "metrics": [metric], "behavior": QUICK}
    path = "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers"
    httpx.post(f"{cluster.kube_api}{path}", json={"metadata": {"name": "work"}, "spec": spec}).raise_for_status()
    return f"{path}/work"


def ready(cluster: ClusterHandle) -> int:
    return sum(pod["ready"] for pod in cluster.status()["pods"])


def test_an_external_metric_scales_up_and_down(work: ClusterHandle) -> None:
    external = {"metric": {"name": "backlog", "selector": {"matchLabels": {"topic": "jobs"}}},
                "target": {"type": "AverageValue", "averageValue": "20"}}  # fmt: skip
    hpa = autoscale(work, {"type": "External", "external": external})
    ask(work, "lag/55")
    until(lambda: ready(work) == 3)
    status = read(work, hpa)["status"]
    assert status["desiredReplicas"] == 3
    assert {c["type"]: c["status"] for c in status["conditions"]}["ScalingActive"] == "True"
    for pod in work.status()["pods"]:  # whichever holds the number
        httpx.get(f"http://127.0.0.1:{pod['ports']['8080']}/lag/0")
    until(lambda: ready(work) == 1 and len(work.status()["pods"]) == 1)
    events = read(work, "/api/v1/namespaces/shop/events")["items"]
    assert any(e["reason"] == "SuccessfulRescale" and "New size: 3" in e["message"] for e in events)


def test_cpu_scales_up_and_is_shown(work: ClusterHandle) -> None:
    target = {"type": "Utilization", "averageUtilization": 50}
    hpa = autoscale(work, {"type": "Resource", "resource": {"name": "cpu", "target": target}}, most=2)
    ask(work, "burn")
    until(lambda: ready(work) == 2)
    seen = read(work, hpa)["status"]["currentMetrics"][0]["resource"]["current"]["averageUtilization"]
    assert seen > 50
    until(lambda: len(read(work, "/apis/metrics.k8s.io/v1beta1/namespaces/shop/pods")["items"]) == 2)
    rows = read(work, "/apis/metrics.k8s.io/v1beta1/namespaces/shop/pods")["items"]
    assert max(int(row["containers"][0]["usage"]["cpu"].removesuffix("n")) for row in rows) > 50_000_000
    assert read(work, "/apis/metrics.k8s.io/v1beta1/nodes")["items"][0]["usage"]["memory"].endswith("Ki")


def test_a_metric_that_nobody_tells_scales_nothing_and_says_so(work: ClusterHandle) -> None:
    external = {"metric": {"name": "nobody_tells"}, "target": {"type": "Value", "value": "1"}}
    hpa = autoscale(work, {"type": "External", "external": external})
    until(lambda: "conditions" in (read(work, hpa).get("status") or {}))
    rows = {c["type"]: c for c in read(work, hpa)["status"]["conditions"]}
    assert rows["ScalingActive"]["status"] == "False" and "nobody_tells" in rows["ScalingActive"]["message"]
    assert ready(work) == 1


def test_a_container_over_its_memory_limit_is_killed(work: ClusterHandle) -> None:
    with contextlib.suppress(httpx.HTTPError):  # it may end before it answers
        ask(work, "hold/150000000")

    def ended() -> dict[str, Any]:
        pods = read(work, "/api/v1/namespaces/shop/pods")["items"]
        return dict(pods[0]["status"]["containerStatuses"][0]["lastState"].get("terminated") or {})

    until(lambda: bool(ended()))
    assert (ended()["reason"], ended()["exitCode"]) == ("OOMKilled", 137)
    until(lambda: ready(work) == 1)
    events = read(work, "/api/v1/namespaces/shop/events")["items"]
    assert any(event["reason"] == "OOMKilling" for event in events)
