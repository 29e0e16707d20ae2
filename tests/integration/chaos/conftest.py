"""A whole target in one small server: an agent, a tool, a mock LLM and a Kubernetes API with two pods."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from harness.core.config import Config
from harness.core.config import Target as TargetConfig
from harness.targets.target import LiveService, Target

WORK_S = 0.3  # how long the agent thinks about a task
DELAY = 0.3  # what stands for a long delay of the LLM here


class FakeTarget:
    """Its state is open to tests. `slow_s` and `broken` spoil the admin API and the Kubernetes API."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.faults: list[dict[str, Any]] = []
        self.policies: dict[str, Any] = {}
        self.pods = {"agent-a": "uid-1", "agent-b": "uid-2"}
        self.killed: list[str] = []
        self.tasks: dict[str, float] = {}
        self.keys: dict[str, str] = {}
        self.ledger: list[dict[str, Any]] = []
        self.slow_s = 0.0
        self.broken = 0  # so many requests of an injection or an undo are answered 500
        self.deaf = False  # faults are accepted and have no effect
        self.loses = False  # tasks of before a kill are forgotten
        self.doubles = False  # every effect happens twice
        self.ready = True
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def left(self) -> list[Any]:
        """What is still broken on purpose."""
        with self.lock:
            return [*self.faults, *self.policies]

    def config(self, root: Path) -> Config:
        target = TargetConfig.model_validate(
            {
                "name": "fake",
                "kind": "external",
                "namespace": "test",
                "services": {
                    "agent": {"url": self.url, "role": "agent", "tasks": {}},
                    "tool": {"url": self.url, "role": "tool", "ledger": "/ledger"},
                    "llm": {"url": self.url, "role": "llm", "admin": "/_mock"},
                },
            }
        )
        return Config(target=target, root=root)

    def target(self, root: Path) -> Target:
        config = self.config(root)
        services = {name: LiveService(name, self.url, spec) for name, spec in config.target.services.items()}
        return Target("fake", "external", "test", services, kube_api=self.url)

    # -- what the parts do -----------------------------------------------------------------------------

    def answer(self, method: str, path: str, body: Any, key: str) -> tuple[int, Any]:
        path, _, query = path.partition("?")
        parts = path.strip("/").split("/")
        spoilt = parts[0] in ("_mock", "apis", "api") and method != "GET"
        if spoilt and self.slow_s:
            time.sleep(self.slow_s)
        with self.lock:
            if spoilt and self.broken > 0:
                self.broken -= 1
                return 500, {"error": "broken on purpose"}
            match (method, parts):
                case ("GET", ["ready"]):
                    return (200 if self.ready else 503), {}
                case ("GET", ["_mock", "faults"]):
                    return 200, {"faults": self.faults}
                case ("PUT", ["_mock", "faults"]):
                    self.faults = list(body["faults"])
                    return 200, {}
                case ("GET", ["_mock", "journal"]):
                    return 200, {"entries": [], "next": 0}
                case ("GET", ["ledger"]):
                    return 200, {"entries": self.ledger}
                case ("POST", ["tasks"]):
                    return 202, self._submit(key)
                case ("GET", ["tasks", task]) if task in self.tasks:
                    done = time.monotonic() - self.tasks[task] > WORK_S
                    return 200, {"task_id": task, "status": "completed" if done else "running", "output": "yes"}
                case ("GET", ["apis", "apps", "v1", "namespaces", _, "deployments", "agent"]):
                    return 200, {"spec": {"selector": {"matchLabels": {"app": "agent"}}}}
                case ("GET", ["api", "v1", "namespaces", _, "pods"]):
                    return 200, {"items": [_pod(name, uid) for name, uid in self.pods.items()]}
                case ("DELETE", ["api", "v1", "namespaces", _, "pods", name]) if name in self.pods:
                    return 200, self._kill(name)
                case ("POST", ["apis", "networking.k8s.io", "v1", "namespaces", _, "networkpolicies"]):
                    self.policies[body["metadata"]["name"]] = body
                    return 201, body
                case ("DELETE", ["apis", "networking.k8s.io", "v1", "namespaces", _, "networkpolicies", name]):
                    return (200 if self.policies.pop(name, None) else 404), {}
        return 404, {"error": f"no {method} {path}?{query}"}

    def _submit(self, key: str) -> dict[str, Any]:
        task = self.keys.setdefault(key, f"task-{len(self.keys) + 1}")
        if task not in self.tasks:
            self.tasks[task] = time.monotonic()
            for _ in range(2 if self.doubles else 1):
                entry = {"seq": len(self.ledger) + 1, "at": time.time(), "tool": "search", "task_id": task}
                self.ledger.append({**entry, "idempotency_key": f"{task}/search", "outcome": "ok"})
        return {"task_id": task, "status": "pending"}

    def _kill(self, name: str) -> dict[str, Any]:
        self.killed.append(name)
        if not self.deaf:
            del self.pods[name]
            self.pods[f"{name}-{len(self.killed)}"] = f"uid-{len(self.killed) + 10}"
        if self.loses:
            for task in list(self.tasks):
                if time.monotonic() - self.tasks[task] <= WORK_S:
                    del self.tasks[task]
        return {}

    def llm_status(self, model: str) -> tuple[int, float]:
        with self.lock:
            hit = [] if self.deaf else [f for f in self.faults if f["when"]["model"] == model]
        delay = sum(float(f["seconds"]) for f in hit if f["kind"] == "latency")
        status = next((int(f["status"]) for f in hit if f["kind"] == "status"), 200)
        return status, delay


def _pod(name: str, uid: str) -> dict[str, Any]:
    status = {"conditions": [{"type": "Ready", "status": "True"}]}
    return {"metadata": {"name": name, "uid": uid, "labels": {"app": "agent"}}, "status": status}


def _handler(fake: FakeTarget) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            if self.path == "/v1/chat/completions":
                status, delay = fake.llm_status(body["model"])
                time.sleep(delay)
                answer: Any = {}
            else:
                status, answer = fake.answer(self.command, self.path, body, self.headers.get("idempotency-key", ""))
            data = json.dumps(answer).encode()
            try:
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)
            except OSError:
                pass  # the client was killed, as tests mean it to be

        do_POST = do_PUT = do_DELETE = do_GET

        def log_message(self, *arguments: Any) -> None: ...

    return Handler


@pytest.fixture
def fake() -> Iterator[FakeTarget]:
    target = FakeTarget()
    thread = threading.Thread(target=target.server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield target
    target.server.shutdown()
    thread.join()
    target.server.server_close()
