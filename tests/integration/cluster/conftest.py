"""A tiny subject for the cluster: a web server of twenty lines, and the manifests that run it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.cluster.client import ClusterHandle, start_cluster
from harness.cluster.spec import ClusterSpec
from harness.core.clock import RealClock
from harness.core.config import Image

WEB = """
import os, subprocess, sys, urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        print(self.path, flush=True)
    def do_GET(self):
        body, code = os.environ["HOSTNAME"].encode(), 200
        if self.path == "/peer":
            try:
                body = urllib.request.urlopen(os.environ["PEER"], timeout=2).read()
            except OSError as error:
                body, code = str(error).encode(), 502
        if self.path == "/die":
            os._exit(3)
        if self.path == "/spawn":
            child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"], start_new_session=True)
            body = str(child.pid).encode()
        if self.path == "/unready":
            Handler.code = 503
        if self.path == "/ready":
            code = getattr(Handler, "code", 200)
        self.send_response(code)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""

DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}, labels: {{app: {name}}}}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      terminationGracePeriodSeconds: 2
      containers:
        - name: web
          image: {image}
          env:
            - {{name: PORT, value: "8080"}}
            - {{name: PEER, value: "http://{peer}:8080/"}}
          ports: [{{containerPort: 8080, name: http}}]
          readinessProbe: {{httpGet: {{path: {probe}, port: http}}, periodSeconds: 1, failureThreshold: 1}}
---
apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec: {{selector: {{app: {name}}}, ports: [{{port: 8080, targetPort: http}}]}}
"""


def deployment(name: str, *, replicas: int = 1, peer: str = "a", image: str = "web:1", probe: str = "/ready") -> str:
    """A Deployment of the web server with its Service."""
    return DEPLOYMENT.format(name=name, replicas=replicas, peer=peer, image=image, probe=probe)


@pytest.fixture
def spec(tmp_path: Path) -> ClusterSpec:
    """Two services: `a` with two replicas, `b` with one."""
    (tmp_path / "web.py").write_text(WEB)
    manifest = tmp_path / "web.yaml"
    manifest.write_text(deployment("a", replicas=2, peer="b") + "---" + deployment("b", peer="a"))
    return ClusterSpec(
        name="test",
        namespace="windtunnel",
        root=tmp_path,
        manifests=(manifest,),
        images={"web": Image(command=("python", str(tmp_path / "web.py")))},
        ready_timeout_s=30,
    )


Start = Callable[[ClusterSpec], ClusterHandle]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts clusters and ends them with the test."""
    handles: list[ClusterHandle] = []

    def begin(wanted: ClusterSpec) -> ClusterHandle:
        handles.append(start_cluster(wanted, state_dir=tmp_path / f"state{len(handles)}", clock=RealClock()))
        return handles[-1]

    yield begin
    for handle in handles:
        handle.stop()


@pytest.fixture
def cluster(start: Start, spec: ClusterSpec) -> ClusterHandle:
    """The two services, running."""
    return start(spec)
