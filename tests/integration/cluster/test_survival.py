"""What a cluster survives: its own death at any moment, full disks, crash loops, a hundred restarts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from harness.cluster.client import ClusterHandle, start_cluster
from harness.cluster.leftovers import MARK
from harness.cluster.spec import ClusterSpec
from harness.core.clock import RealClock

Start = Callable[[ClusterSpec], ClusterHandle]


def until(what: Callable[[], bool], seconds: float = 20) -> None:
    """Wait for a state to come about; the deadline only bounds a failing test."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it never came about"
        time.sleep(0.05)


def marked(folder: Path) -> list[int]:
    """The processes of clusters below `folder`."""
    wanted = f"{MARK}={folder.resolve()}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and wanted in (entry / "environ").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def daemon(spec: ClusterSpec, state: Path) -> subprocess.Popen[str]:
    """The cluster's own process, just begun."""
    state.mkdir(exist_ok=True)
    (state / "spec.json").write_text(spec.model_dump_json())
    argv = [
        sys.executable,
        "-m",
        "harness.cluster.daemon",
        "--spec",
        str(state / "spec.json"),
        "--state-dir",
        str(state),
    ]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, start_new_session=True)


def wait_for(process: subprocess.Popen[str], event: str) -> dict[str, Any]:
    """Read what the cluster says, to its line of `event`."""
    assert process.stdout is not None
    for line in process.stdout:
        row: dict[str, Any] = json.loads(line)
        assert row["event"] != "failed", row
        if row["event"] == event:
            return row
    raise AssertionError(f"it ended without saying {event}")


def starts(spec: ClusterSpec, state: Path) -> None:
    """A cluster where another has died comes up, and leaves nothing."""
    again = start_cluster(spec, state_dir=state, clock=RealClock())
    try:
        assert httpx.get(str(again.status()["services"]["a"])).status_code == 200
    finally:
        again.stop()
    assert marked(state) == []


@pytest.mark.parametrize("moment", ["as it begins", "as pods start", "in a rolling update", "as it stops"])
def test_a_cluster_killed_at_any_moment_leaves_nothing(spec: ClusterSpec, tmp_path: Path, moment: str) -> None:
    state = tmp_path / "state"
    process = daemon(spec, state)
    if moment == "as pods start":
        wait_for(process, "listening")
        until(lambda: len(marked(state)) > 0)
    elif moment != "as it begins":
        url = wait_for(process, "listening")["kube_api"]
        wait_for(process, "ready")
        if moment == "in a rolling update":
            path = f"{url}/apis/apps/v1/namespaces/windtunnel/deployments/a"
            change = {"spec": {"template": {"metadata": {"annotations": {"again": "1"}}}}}
            header = {"content-type": "application/merge-patch+json"}
            assert httpx.patch(path, json=change, headers=header).status_code == 200
            before = len(marked(state))
            until(lambda: len(marked(state)) != before)
        else:
            process.send_signal(signal.SIGTERM)
            time.sleep(0.05)
    process.kill()
    process.wait(10)
    assert process.stdout is not None
    process.stdout.close()
    until(lambda: marked(state) == [])
    starts(spec, state)


def api(cluster: ClusterHandle, path: str, method: str = "GET", body: Any = None) -> Any:
    answer = httpx.request(method, f"{cluster.kube_api}{path}", json=body, timeout=20)
    return answer.raise_for_status().json()


def test_a_disk_that_takes_no_more_logs_harms_nobody(cluster: ClusterHandle) -> None:
    [pod] = [pod for pod in cluster.status()["pods"] if pod["workload"] == "b"]
    url = str(cluster.status()["services"]["b"])
    log = Path(cluster.kubeconfig).parent / "pods" / pod["name"] / "web.log"
    httpx.get(url + "/before")
    path = f"/api/v1/namespaces/windtunnel/pods/{pod['name']}/log"
    until(lambda: "/before" in httpx.get(cluster.kube_api + path).text)
    log.unlink()
    log.symlink_to("/dev/full")  # every write to it fails as on a full disk
    for _ in range(20):
        assert httpx.get(url + "/lost").status_code == 200
    events = "/api/v1/namespaces/windtunnel/events"
    until(lambda: any(event["reason"] == "LogsLost" for event in api(cluster, events)["items"]))
    log.unlink()
    httpx.get(url + "/after")
    until(lambda: "/after" in log.read_text() if log.exists() else False)
    [same] = [row for row in cluster.status()["pods"] if row["workload"] == "b"]
    assert (same["uid"], same["restarts"], same["pids"]) == (pod["uid"], 0, pod["pids"])


def test_a_crash_loop_backs_off_and_ends_when_it_is_deleted(cluster: ClusterHandle) -> None:
    container = {"name": "main", "image": "busybox", "args": ["sh", "-c", "echo bad day; exit 7"]}
    template = {"metadata": {"labels": {"app": "loop"}}, "spec": {"containers": [container]}}
    spec = {"selector": {"matchLabels": {"app": "loop"}}, "template": template}
    deployments, pods = "/apis/apps/v1/namespaces/windtunnel/deployments", "/api/v1/namespaces/windtunnel/pods"
    api(cluster, deployments, "POST", {"metadata": {"name": "loop"}, "spec": spec})

    def row() -> dict[str, Any]:
        items = api(cluster, f"{pods}?labelSelector=app=loop")["items"]
        return dict((items[0]["status"].get("containerStatuses") or [{}])[0]) if items else {}

    until(lambda: row().get("restartCount", 0) >= 3)
    seen = row()
    assert seen["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    assert seen["lastState"]["terminated"]["exitCode"] == 7
    time.sleep(1)
    assert row()["restartCount"] <= seen["restartCount"] + 1  # 0.5, 1, 2, 4 s apart by now
    assert httpx.get(str(cluster.status()["services"]["a"])).status_code == 200
    api(cluster, f"{deployments}/loop", "DELETE")
    until(lambda: row() == {}, seconds=2)


def test_a_hundred_restarts_leave_no_process_no_port_and_no_descriptor(cluster: ClusterHandle) -> None:
    pid = cluster.state.pid

    def descriptors() -> int:
        return len(list(Path(f"/proc/{pid}/fd").iterdir()))

    def listening() -> int:
        rows = Path("/proc/net/tcp").read_text().splitlines()[1:]
        mine = {os.readlink(fd) for fd in Path(f"/proc/{pid}/fd").iterdir() if fd.is_symlink()}
        return sum(f"socket:[{row.split()[9]}]" in mine for row in rows if row.split()[3] == "0A")

    def ready() -> list[str]:
        rows = [row for row in cluster.status()["pods"] if row["workload"] == "many" and not row["terminating"]]
        return sorted(row["uid"] for row in rows if row["ready"])

    container = {"name": "main", "image": "busybox", "args": ["sleep", "1000"], "ports": [{"containerPort": 80}],
                 "env": [{"name": "PEER", "value": "http://a:8080"}]}  # fmt: skip
    template = {"metadata": {"labels": {"app": "many"}}, "spec": {"containers": [container]}}
    spec = {"replicas": 10, "selector": {"matchLabels": {"app": "many"}}, "template": template}
    path = "/apis/apps/v1/namespaces/windtunnel/deployments"
    api(cluster, path, "POST", {"metadata": {"name": "many"}, "spec": spec})
    until(lambda: len(ready()) == 10)
    folder = Path(cluster.kubeconfig).parent
    before = (len(marked(folder)), descriptors(), listening())
    for _ in range(10):
        old = set(ready())
        query = "labelSelector=app%3Dmany&gracePeriodSeconds=0"
        api(cluster, f"/api/v1/namespaces/windtunnel/pods?{query}", "DELETE")
        until(lambda old=old: len(set(ready()) - old) == 10)
    until(lambda: len(marked(folder)) == before[0])
    until(lambda: listening() == before[2])
    until(lambda: descriptors() <= before[1] + 4)
