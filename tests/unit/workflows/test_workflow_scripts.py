"""The scripts that the workflows call, and the shell inside the action, do what they are for."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from harness.core.config_file import parse_config

ROOT = Path(__file__).parents[3]
SCRIPTS = ROOT / ".github" / "scripts"
DIGEST = "sha256:" + "0123456789abcdef" * 4


def _run(script: str, *arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    command = [str(SCRIPTS / script), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env={**os.environ, **(env or {})})


@contextmanager
def _agent(ready: int, states: list[tuple[int, str]]) -> Iterator[str]:
    """An agent whose task goes through `states`, (HTTP status, task status), and stays in the last."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self, status: int, body: dict[str, str]) -> None:
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def do_GET(self) -> None:
            if self.path == "/tasks/t-1":
                status, task = states.pop(0) if len(states) > 1 else states[0]
                self._answer(status, {"task_id": "t-1", "status": task})
            else:
                self._answer(ready if self.path == "/ready" else 200, {})

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            good = self.path == "/tasks" and asked["prompt"] and self.headers["Authorization"] == "Bearer t0ken"
            self._answer(202 if good else 401, {"task_id": "t-1", "status": "pending"})

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


needs_tools = pytest.mark.skipif(
    not (shutil.which("jq") and shutil.which("curl")), reason="the smoke test needs curl and jq"
)


@needs_tools
@pytest.mark.parametrize(
    ("ready", "states", "limit", "complaint"),
    [
        (200, [(200, "running"), (200, "completed")], "20", ""),
        (503, [(200, "completed")], "20", "/ready does not answer 2xx"),
        (200, [(200, "failed")], "20", "task t-1 is failed"),
        (200, [(404, "")], "20", "accepted and cannot be found"),
        (200, [(200, "running")], "1", "still running after 1 s"),
    ],
)
def test_smoke(ready: int, states: list[tuple[int, str]], limit: str, complaint: str) -> None:
    with _agent(ready, states) as url:
        ran = _run("smoke.sh", url, limit, env={"SMOKE_TOKEN": "t0ken", "NO_PROXY": "*"})
    assert ran.returncode == (1 if complaint else 0), ran.stderr
    assert complaint in ran.stderr


@needs_tools
def test_smoke_without_the_token_is_refused() -> None:
    with _agent(200, [(200, "completed")]) as url:
        ran = _run("smoke.sh", url, env={"SMOKE_TOKEN": "", "NO_PROXY": "*"})
    assert ran.returncode == 1
    assert "not accepted" in ran.stderr


def _overlay(tmp_path: Path) -> Path:
    overlay = tmp_path / "overlays" / "staging"
    overlay.mkdir(parents=True)
    pod = {"containers": [{"name": "agent", "image": "team/agent"}, {"name": "llm", "image": "team/llm:1"}]}
    manifest = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": pod}
    (overlay / "pod.yaml").write_text(yaml.safe_dump(manifest))
    (overlay / "kustomization.yaml").write_text(
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [pod.yaml]\n"
    )
    return overlay


def test_overlay_names_each_image_by_digest_or_tag(tmp_path: Path) -> None:
    overlay, folder = _overlay(tmp_path), tmp_path / "deploy"
    agent = f"team/agent=registry.test:5000/x/agent@{DIGEST}"
    ran = _run("overlay.sh", str(folder), str(overlay), agent, "team/llm=team/llm:abc")
    assert ran.returncode == 0, ran.stderr
    written = yaml.safe_load((folder / "kustomization.yaml").read_text())
    assert written["resources"] == ["../overlays/staging"]
    assert written["images"] == [
        {"name": "team/agent", "newName": "registry.test:5000/x/agent", "digest": DIGEST},
        {"name": "team/llm", "newName": "team/llm", "newTag": "abc"},
    ]
    if kubectl := shutil.which("kubectl"):
        built = subprocess.run([kubectl, "kustomize", str(folder)], capture_output=True, text=True, timeout=60)
        assert built.returncode == 0, built.stderr
        images = [container["image"] for container in yaml.safe_load(built.stdout)["spec"]["containers"]]
        assert images == [f"registry.test:5000/x/agent@{DIGEST}", "team/llm:abc"]


def test_overlay_refuses_an_image_without_version_and_a_missing_overlay(tmp_path: Path) -> None:
    overlay, folder = _overlay(tmp_path), str(tmp_path / "deploy")
    assert "neither a digest nor a tag" in _run("overlay.sh", folder, str(overlay), "team/llm=").stderr
    missing = _run("overlay.sh", folder, str(tmp_path / "none"), "team/llm=team/llm:1")
    assert missing.returncode == 1
    assert "no kustomization.yaml" in missing.stderr


def test_kind_config_is_the_stacks_own_aimed_at_the_cluster(tmp_path: Path) -> None:
    shutil.copy(ROOT / "windtunnel.toml", tmp_path)
    ran = _run("kind-config.sh", str(tmp_path / "windtunnel.kind.toml"), "kind-windtunnel")
    assert ran.returncode == 0, ran.stderr
    ours = parse_config((ROOT / "windtunnel.toml").read_text(), ROOT / "windtunnel.toml")
    file = tmp_path / "windtunnel.kind.toml"
    theirs = parse_config(file.read_text(), file)
    assert theirs.target.kind == "kubernetes"
    assert theirs.target.kubernetes.context == "kind-windtunnel"
    assert theirs.target.kubernetes.allowed_contexts == ("kind-windtunnel",)
    assert theirs.target.services == ours.target.services
    assert theirs.suites == ours.suites


@pytest.mark.parametrize("code", [0, 1, 3])
def test_the_action_hands_on_words_exit_code_and_reports(tmp_path: Path, code: int) -> None:
    steps = yaml.safe_load((ROOT / "action.yml").read_text())["runs"]["steps"]
    [script] = [step["run"] for step in steps if step.get("id") == "run"]
    tools = tmp_path / "venv" / "bin"
    tools.mkdir(parents=True)
    (tools / "python").symlink_to(sys.executable)
    fake = tools / "windtunnel"
    fake.write_text(f'#!/bin/sh\nprintf "%s|" "$@" > "{tmp_path}/words"\nexit {code}\n')
    fake.chmod(0o755)
    (tmp_path / "my.toml").write_text('reports = "out/runs"\n')
    output = tmp_path / "output"
    env = {
        "COMMAND": "contracts my-agent --quick",
        "CONFIG": "my.toml",
        "HOME_OF_IT": str(tools.parent),
        "GITHUB_OUTPUT": str(output),
    }
    ran = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=tmp_path,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.returncode == code, ran.stderr
    assert (tmp_path / "words").read_text() == "contracts|my-agent|--quick|--config|my.toml|"
    assert output.read_text().splitlines() == [f"reports={tmp_path / 'out' / 'runs'}", f"exit-code={code}"]
