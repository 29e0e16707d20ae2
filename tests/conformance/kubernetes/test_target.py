"""`kind = "kubernetes"`: the loopback API taken for a real cluster, reached by kubectl and its context alone."""

from __future__ import annotations

import asyncio
import io
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
import yaml
from rich.console import Console

from harness.app.doctor import diagnose
from harness.app.progress import ConsoleProgress
from harness.app.stack import Stack, open_stack
from harness.app.workspace import Workspace, open_workspace
from harness.cluster.client import ClusterHandle
from harness.cluster.leftovers import process_started
from harness.cluster.remote.cluster import open_remote
from harness.cluster.remote.rights import MANIFESTS, needed
from harness.core.clock import RealClock
from harness.core.errors import ConfigError
from harness.evidence.metrics.scrape import Scraper
from harness.targets.target import Target

pytestmark = [
    pytest.mark.skipif(shutil.which("kubectl") is None, reason="there is no kubectl on this machine"),
    pytest.mark.xdist_group("kubernetes"),
]
CONFIG = """
[target]
name = "shop"
kind = "kubernetes"
namespace = "shop"
[target.services.web]
metrics = "/"
[target.kubernetes]
context = "windtunnel-local"
allowed_contexts = ["windtunnel-local"]
"""


@pytest.fixture
def workspace(cluster: ClusterHandle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace that knows the cluster by its context; the namespace says that it may be broken."""
    monkeypatch.setenv("KUBECONFIG", cluster.kubeconfig)
    label(cluster, "allowed")
    (tmp_path / "windtunnel.toml").write_text(CONFIG)
    return open_workspace(tmp_path / "windtunnel.toml")


def label(cluster: ClusterHandle, value: str | None) -> None:
    body = {"metadata": {"labels": {"windtunnel.dev/chaos": value}}}
    header = {"content-type": "application/merge-patch+json"}
    httpx.patch(f"{cluster.kube_api}/api/v1/namespaces/shop", json=body, headers=header).raise_for_status()


def opened(workspace: Workspace, look: Callable[[Stack], None]) -> None:
    """`look` at the target while it is open."""

    async def run() -> None:
        progress = ConsoleProgress(Console(file=io.StringIO()), RealClock())
        async with open_stack(workspace, progress=progress, stop=asyncio.Event(), clock=RealClock()) as stack:
            await asyncio.to_thread(look, stack)

    asyncio.run(run())


def children() -> set[int]:
    """The kubectls that this process has started."""
    found = set()
    for entry in Path("/proc").iterdir():
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            if (
                entry.name.isdigit()
                and int(fields[1]) == os.getpid()
                and b"kubectl" in (entry / "cmdline").read_bytes()
            ):
                found.add(int(entry.name))
        except OSError:
            continue
    return found


def test_services_are_forwarded_and_survive_their_pod(workspace: Workspace) -> None:
    def look(stack: Stack) -> None:
        target = stack.target
        assert target.kind == "kubernetes"
        url = target.service("web").url
        first = httpx.get(url).text
        httpx.delete(f"{target.kube_api}/api/v1/namespaces/shop/pods/{first}?gracePeriodSeconds=0").raise_for_status()
        deadline = time.monotonic() + 40
        while True:
            assert time.monotonic() < deadline, "the forwarding never came back"
            try:
                if httpx.get(url, timeout=2).text not in ("", first):
                    break
            except httpx.HTTPError:
                time.sleep(0.1)
        pods = subprocess.run(
            ["kubectl", "--kubeconfig", str(target.kubeconfig), "get", "pods"], capture_output=True, text=True
        )
        assert "web-" in pods.stdout

    opened(workspace, look)
    assert children() == set()


def test_each_pod_s_metrics_are_read_through_the_api(workspace: Workspace) -> None:
    async def endpoints(target: Target) -> list[tuple[str, str]]:
        async with httpx.AsyncClient() as http:
            found = await Scraper(http, target).endpoints()
            return [(row.pod, (await http.get(row.url)).text) for row in found]

    def look(stack: Stack) -> None:
        rows = asyncio.run(endpoints(stack.target))
        assert len(rows) == 3
        assert all(pod == text for pod, text in rows)  # each pod answers with its own name

    opened(workspace, look)


def test_what_is_not_allowed_is_refused_before_anything_is_touched(
    workspace: Workspace, cluster: ClusterHandle
) -> None:
    def refusal(old: str, new: str) -> ConfigError:
        workspace.file.write_text(CONFIG.replace(old, new))
        with pytest.raises(ConfigError) as caught:
            opened(open_workspace(workspace.file), lambda stack: None)
        assert caught.value.hint
        return caught.value

    assert "no context is named" in refusal('context = "windtunnel-local"\nallowed', "allowed").message
    assert "is not allowed" in refusal('["windtunnel-local"]', '["another"]').message
    assert "service none" in refusal("services.web", "services.none").message
    assert "elsewhere" in refusal('namespace = "shop"', 'namespace = "elsewhere"').message
    label(cluster, None)
    error = refusal("name", "name")
    assert "does not carry the label" in error.message
    assert error.hint == "kubectl label namespace shop windtunnel.dev/chaos=allowed"
    assert children() == set()


def test_doctor_says_what_is_missing(workspace: Workspace, cluster: ClusterHandle) -> None:
    rows = {row.what: row for row in diagnose(workspace)}
    assert [rows[what].state for what in ("cluster", "namespace", "web", "rights")] == ["ok"] * 4
    assert rows["web"].seen == "port 80"
    label(cluster, None)
    assert "does not carry" in {row.what: row for row in diagnose(workspace)}["namespace"].seen


def test_the_manifests_are_taken_by_a_cluster_and_name_every_right(cluster: ClusterHandle) -> None:
    assert ("delete", "pods") in needed() and ("patch", "deployments.apps/scale") in needed()
    env = {**os.environ, "KUBECONFIG": cluster.kubeconfig}
    for name in ("rbac", "job"):
        printed = subprocess.run(
            [sys.executable, "-m", "harness.cli", "doctor", "--manifest", name],
            capture_output=True,
            text=True,
            check=True,
        )
        assert printed.stdout == (MANIFESTS / f"{name}.yaml").read_text()
        assert list(yaml.safe_load_all(printed.stdout))
        words = ["kubectl", "apply", "--dry-run=server", "-f", "-"]
        done = subprocess.run(words, input=printed.stdout, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def test_a_proxy_that_a_killed_run_left_is_ended_by_the_next(workspace: Workspace, tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from harness.app.workspace import open_workspace\n"
        "from harness.cluster.remote.cluster import open_remote; from harness.core.clock import RealClock\n"
        "with open_remote(open_workspace(Path(sys.argv[1])).config, Path(sys.argv[2]), RealClock()):\n"
        "    print('open', flush=True); time.sleep(60)\n"
    )
    argv = [sys.executable, "-c", code, str(workspace.file), str(tmp_path)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "open\n"
        process.send_signal(signal.SIGKILL)
    left = yaml.safe_load((tmp_path / "proxy.json").read_text())
    assert process_started(left["pid"]) == left["started"]
    with open_remote(workspace.config, tmp_path, RealClock()):
        assert process_started(left["pid"]) is None
    assert not (tmp_path / "proxy.json").exists()
