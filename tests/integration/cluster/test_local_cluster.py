"""The local cluster from outside: what runs, what is broken, what is left."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from harness.cluster.client import ClusterHandle, connect, start_cluster
from harness.cluster.edges.faults import EdgeFault
from harness.cluster.leftovers import process_started
from harness.cluster.spec import ClusterSpec
from harness.core.clock import RealClock
from harness.core.errors import ConfigError, InfraError

Start = Callable[[ClusterSpec], ClusterHandle]


def url(cluster: ClusterHandle, service: str) -> str:
    return str(cluster.status()["services"][service])


def pods(cluster: ClusterHandle, workload: str) -> list[dict[str, Any]]:
    return [pod for pod in cluster.status()["pods"] if pod["workload"] == workload]


def until(what: Callable[[], bool], seconds: float = 15) -> None:
    """Wait for a state to come about; the deadline only bounds a failing test."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it never came about"
        time.sleep(0.05)


def edge(cluster: ClusterHandle, source: str, service: str) -> dict[str, Any]:
    rows = cluster.edges()
    return next(e for e in rows if source in (e["source"], e["workload"]) and e["service"] == service)


def alive(pids: list[int]) -> list[int]:
    return [pid for pid in pids if process_started(pid) is not None]


def test_a_service_is_balanced_over_its_ready_pods(cluster: ClusterHandle) -> None:
    names = {httpx.get(url(cluster, "a")).text for _ in range(6)}
    assert names == {pod["name"] for pod in pods(cluster, "a")}
    assert len(names) == 2


def test_pods_reach_each_other_by_service_name_over_their_own_edges(cluster: ClusterHandle) -> None:
    assert httpx.get(url(cluster, "b") + "/peer").text in {pod["name"] for pod in pods(cluster, "a")}
    assert edge(cluster, "b", "a")["witness"]["opened"] == 1


def test_an_unready_pod_gets_no_traffic(cluster: ClusterHandle) -> None:
    gone = httpx.get(url(cluster, "a") + "/unready").text
    until(lambda: sum(pod["ready"] for pod in pods(cluster, "a")) == 1)
    assert gone not in {httpx.get(url(cluster, "a")).text for _ in range(4)}


def test_a_crashed_container_is_started_again(cluster: ClusterHandle) -> None:
    with pytest.raises(httpx.HTTPError):
        httpx.get(url(cluster, "b") + "/die")
    until(lambda: pods(cluster, "b")[0]["restarts"] == 1 and pods(cluster, "b")[0]["ready"])
    assert httpx.get(url(cluster, "b")).status_code == 200


@pytest.mark.parametrize("grace", [0, 2])
def test_a_deleted_pod_is_replaced_by_another(cluster: ClusterHandle, grace: int) -> None:
    (old,) = pods(cluster, "b")
    api = f"{cluster.kube_api}/api/v1/namespaces/windtunnel/pods/{old['name']}"
    assert httpx.request("DELETE", api, params={"gracePeriodSeconds": grace}).status_code == 200
    until(lambda: [pod["ready"] for pod in pods(cluster, "b") if pod["uid"] != old["uid"]] == [True])
    until(lambda: not alive(old["pids"]))


def test_a_delay_is_added_and_measured(cluster: ClusterHandle) -> None:
    cluster.put_edge_fault("slow", EdgeFault(kind="delay", direction="up", delay_ms=200), source="b", service="a")
    took = httpx.get(url(cluster, "b") + "/peer").elapsed.total_seconds()
    assert took >= 0.2
    witness = edge(cluster, "b", "a")["witness"]
    assert 200 <= witness["delay_mean_ms"] < 400
    assert cluster.clear_edge_fault("slow") == 1
    assert cluster.clear_edge_fault("slow") == 0


def test_a_fault_meets_the_pods_that_are_started_after_it(cluster: ClusterHandle) -> None:
    cluster.put_edge_fault("broken", EdgeFault(kind="reset"), source="b", service="a")
    [old] = [pod["name"] for pod in pods(cluster, "b")]
    path = f"{cluster.kube_api}/api/v1/namespaces/windtunnel/pods/{old}"
    httpx.delete(path, params={"gracePeriodSeconds": "0"})
    until(lambda: [pod["name"] for pod in pods(cluster, "b") if pod["ready"]] not in ([], [old]))
    assert httpx.get(url(cluster, "b") + "/peer").status_code == 502
    assert cluster.clear_edge_fault("broken") == 1
    assert httpx.get(url(cluster, "b") + "/peer").status_code == 200


@pytest.mark.parametrize("kind", ["refuse", "reset", "black_hole", "cut"])
def test_a_broken_edge_breaks_that_edge_alone(cluster: ClusterHandle, kind: str) -> None:
    cluster.put_edge_fault("x", EdgeFault(kind=kind), source="b", service="a")  # type: ignore[arg-type]
    assert httpx.get(url(cluster, "b") + "/peer", timeout=10).status_code == 502
    assert httpx.get(url(cluster, "a") + "/peer").status_code == 200
    cluster.clear_edge_fault("x")
    assert httpx.get(url(cluster, "b") + "/peer", timeout=10).status_code == 200


def test_an_http_fault_answers_in_the_service_s_place(cluster: ClusterHandle) -> None:
    fault = EdgeFault(kind="http", status=429, body="later", headers={"retry-after": "7"})
    cluster.put_edge_fault("storm", fault, source="client", service="a")
    answer = httpx.get(url(cluster, "a"))
    assert (answer.status_code, answer.text, answer.headers["retry-after"]) == (429, "later", "7")
    assert edge(cluster, "client", "a")["witness"]["answered"] == 1


def test_a_fault_on_an_edge_that_is_none_is_refused(cluster: ClusterHandle) -> None:
    with pytest.raises(InfraError, match="no edge from nobody to a"):
        cluster.put_edge_fault("x", EdgeFault(kind="refuse"), source="nobody", service="a")


def test_a_network_policy_closes_edges_until_it_is_gone(cluster: ClusterHandle) -> None:
    collection = f"{cluster.kube_api}/apis/networking.k8s.io/v1/namespaces/windtunnel/networkpolicies"
    policy = {
        "metadata": {"name": "deny"},
        "spec": {"podSelector": {"matchLabels": {"app": "a"}}, "policyTypes": ["Ingress"]},
    }
    assert httpx.post(collection, json=policy).status_code == 201
    assert httpx.post(collection, json=policy).status_code == 409
    assert httpx.get(url(cluster, "b") + "/peer", timeout=10).status_code == 502
    assert httpx.delete(f"{collection}/deny").status_code == 200
    assert httpx.delete(f"{collection}/deny").status_code == 404
    assert httpx.get(url(cluster, "b") + "/peer", timeout=10).status_code == 200


def test_the_control_api_wants_its_token(cluster: ClusterHandle) -> None:
    assert httpx.get(f"{cluster.state.control}/status").status_code == 401


def test_a_killed_cluster_leaves_nothing_and_the_next_one_starts(spec: ClusterSpec, tmp_path: Path) -> None:
    handle = start_cluster(spec, state_dir=tmp_path / "s", clock=RealClock(), detach=True)
    grandchild = int(httpx.get(url(handle, "b") + "/spawn").text)
    left = [pid for pod in handle.status()["pods"] for pid in pod["pids"]] + [grandchild]
    assert alive(left) == left
    os.kill(handle.state.pid, signal.SIGKILL)
    assert handle.process is not None
    handle.process.wait(10)
    assert handle.process.stdout is not None
    handle.process.stdout.close()
    until(lambda: not alive(left))
    assert connect(tmp_path / "s", spec.name) is None
    again = start_cluster(spec, state_dir=tmp_path / "s", clock=RealClock())
    try:
        assert httpx.get(url(again, "a")).status_code == 200
    finally:
        again.stop()


def test_a_stopped_cluster_leaves_no_process_and_no_port(spec: ClusterSpec, tmp_path: Path) -> None:
    handle = start_cluster(spec, state_dir=tmp_path / "s", clock=RealClock())
    status = handle.status()
    ports = [e["listen"] for e in handle.edges()] + [p for pod in status["pods"] for p in pod["ports"].values()]
    pids = [pid for pod in status["pods"] for pid in pod["pids"]]
    handle.stop()
    assert alive([*pids, handle.state.pid]) == []
    for port in ports:
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_two_clusters_of_one_name_live_side_by_side(start: Start, spec: ClusterSpec) -> None:
    one, two = start(spec), start(spec)
    one.stop()
    assert httpx.get(url(two, "a")).status_code == 200


def manifest(spec: ClusterSpec, old: str, new: str) -> None:
    file = spec.manifests[0]
    file.write_text(file.read_text().replace(old, new))


def test_a_pod_that_never_gets_ready_is_explained(spec: ClusterSpec, tmp_path: Path) -> None:
    manifest(spec, "path: /ready", "path: /unready")
    (tmp_path / "web.py").write_text((tmp_path / "web.py").read_text().replace("Handler.code = 503", "code = 503"))
    with pytest.raises(InfraError) as caught:
        start_cluster(spec.model_copy(update={"ready_timeout_s": 2.0}), state_dir=tmp_path / "s", clock=RealClock())
    assert "not ready after 2 s: a 0/2, b 0/1" in caught.value.message
    assert "last probe: GET /unready: 503" in caught.value.message
    assert "| /unready" in caught.value.message  # the last lines of its log


def test_a_crash_loop_is_explained(spec: ClusterSpec, tmp_path: Path) -> None:
    (tmp_path / "web.py").write_text("raise SystemExit('no licence')")
    with pytest.raises(InfraError, match=r"ended 5 times") as caught:
        start_cluster(spec, state_dir=tmp_path / "s", clock=RealClock())
    assert "| no licence" in caught.value.message


def test_an_unknown_image_names_manifest_line_container_and_fix(spec: ClusterSpec, tmp_path: Path) -> None:
    manifest(spec, "image: web:1", "image: example/unknown:2")
    with pytest.raises(ConfigError) as caught:
        start_cluster(spec, state_dir=tmp_path / "s", clock=RealClock())
    assert "web.yaml:2: Deployment a: container web" in caught.value.message
    assert caught.value.hint is not None
    assert '[target.local.images."example/unknown"]' in caught.value.hint


def test_a_taken_port_is_named(spec: ClusterSpec, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InfraError, match=f"port {port} for service a is taken"):
            start_cluster(spec.model_copy(update={"ports": {"a": port}}), state_dir=tmp_path / "s", clock=RealClock())


def test_a_manifest_that_is_no_yaml_is_named_with_its_line(spec: ClusterSpec, tmp_path: Path) -> None:
    spec.manifests[0].write_text("kind: Service\nmetadata: {name: x\n")
    with pytest.raises(ConfigError, match=r"web\.yaml:\d+: not YAML"):
        start_cluster(spec, state_dir=tmp_path / "s", clock=RealClock())


def test_many_restarts_leave_no_process_and_no_descriptor(cluster: ClusterHandle) -> None:
    def descriptors() -> int:
        return len(os.listdir(f"/proc/{cluster.state.pid}/fd"))

    httpx.get(url(cluster, "b") + "/peer")
    before = descriptors()
    seen: list[int] = []
    for _ in range(15):
        (pod,) = (p for p in pods(cluster, "b") if not p["terminating"])
        seen.extend(pod["pids"])
        httpx.delete(f"{cluster.kube_api}/api/v1/namespaces/windtunnel/pods/{pod['name']}?gracePeriodSeconds=0")
        until(lambda uid=pod["uid"]: [p["ready"] for p in pods(cluster, "b") if p["uid"] != uid] == [True])
    until(lambda: not alive(seen[:-1]))
    until(lambda: descriptors() <= before + 4)
