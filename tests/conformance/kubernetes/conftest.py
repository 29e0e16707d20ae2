"""One cluster for all of these tests: each works on objects of its own name."""

from __future__ import annotations

import gc
import uuid
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.cluster.client import ClusterHandle, start_cluster
from harness.cluster.spec import ClusterSpec
from harness.core.clock import RealClock
from harness.core.config import Image

WEB = """
import os, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        body = os.environ["HOSTNAME"].encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
MANIFEST = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: web
          image: web:1
          args: ["8080"]
          ports: [{containerPort: 8080, name: http}]
          readinessProbe: {httpGet: {path: /, port: http}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: http}]}
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterHandle]:
    """A deployment `web` of three pods in the namespace `shop`."""
    folder = tmp_path_factory.mktemp("cluster")
    (folder / "web.py").write_text(WEB)
    (folder / "web.yaml").write_text(MANIFEST)
    spec = ClusterSpec(
        name="conformance",
        namespace="shop",
        root=folder,
        manifests=(folder / "web.yaml",),
        images={"web": Image(command=("python", str(folder / "web.py")))},
        ready_timeout_s=60,
    )
    handle = start_cluster(spec, state_dir=folder / "state", clock=RealClock())
    yield handle
    handle.stop()


@pytest.fixture(autouse=True)
def sockets_left_behind() -> Iterator[None]:
    """The clients leave sockets to the garbage collector: it runs here, so that no other test is blamed for them."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture
def name() -> str:
    """A name that no other test uses."""
    return f"t-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def kubeconfig(cluster: ClusterHandle) -> Path:
    """The cluster's kubeconfig."""
    return Path(cluster.kubeconfig)
