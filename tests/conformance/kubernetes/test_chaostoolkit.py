"""chaostoolkit-kubernetes works unmodified, found by KUBERNETES_HOST as on a cluster without a kubeconfig."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from chaosk8s.crd.actions import create_custom_object, delete_custom_object
from chaosk8s.deployment.actions import rollout_deployment, scale_deployment
from chaosk8s.deployment.probes import deployment_available_and_healthy, deployment_fully_available
from chaosk8s.networking.actions import (
    create_network_policy,
    deny_all_ingress,
    remove_deny_all_ingress,
    remove_network_policy,
)
from chaosk8s.pod.actions import exec_in_pods, terminate_pods
from chaosk8s.pod.probes import count_pods, pods_in_conditions, pods_in_phase, read_pod_logs
from chaosk8s.service.probes import service_is_initialized

from harness.cluster.client import ClusterHandle

pytestmark = [
    pytest.mark.xdist_group("kubernetes"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning"),
]


@pytest.fixture(autouse=True)
def found_by_host(cluster: ClusterHandle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBERNETES_HOST", cluster.kube_api)
    monkeypatch.setenv("KUBECONFIG", "/nonexistent")


def eventually(true: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + 30
    while not true():
        assert time.monotonic() < until, what
        time.sleep(0.05)


def healthy() -> bool:
    return bool(deployment_fully_available("web", ns="shop", timeout=30))


def test_probes(cluster: ClusterHandle) -> None:
    assert healthy()
    assert count_pods("app=web", ns="shop") == 3
    assert pods_in_phase("app=web", phase="Running", ns="shop")
    assert pods_in_conditions("app=web", [{"type": "Ready", "status": "True"}], ns="shop")
    assert deployment_available_and_healthy("web", ns="shop")
    assert service_is_initialized("web", ns="shop")
    assert isinstance(read_pod_logs(label_selector="app=web", ns="shop"), dict)


def test_terminated_pods_are_replaced(cluster: ClusterHandle) -> None:
    assert healthy()
    gone = terminate_pods(label_selector="app=web", ns="shop", qty=2, mode="fixed", rand=True, grace_period=0)
    assert len(gone) == 2
    eventually(lambda: count_pods("app=web", phase="Running", ns="shop") == 3, "three pods again")
    assert healthy()


def test_commands_run_in_pods(cluster: ClusterHandle) -> None:
    assert healthy()
    done = exec_in_pods("printenv HOSTNAME", label_selector="app=web", ns="shop", qty=1, container_name="web")
    assert len(done) == 1 and done[0]["exit_code"] == 0 and done[0]["stdout"].startswith("web-")


def answers(cluster: ClusterHandle) -> float:
    """How many seconds the service `web` takes to answer. Raises httpx.HTTPError when it does not."""
    taken = httpx.get(cluster.status()["services"]["web"], timeout=1)
    assert taken.status_code == 200
    return taken.elapsed.total_seconds()


def test_policies_close_the_service_until_they_are_gone(cluster: ClusterHandle) -> None:
    assert healthy() and answers(cluster) < 1
    deny_all_ingress(label_selectors={"app": "web"}, ns="shop")
    with pytest.raises(httpx.HTTPError):
        answers(cluster)
    remove_deny_all_ingress(ns="shop")
    assert answers(cluster) < 1


def test_policies_of_one_s_own_and_scaling(cluster: ClusterHandle) -> None:
    spec = {"podSelector": {"matchLabels": {"app": "nobody"}}, "policyTypes": ["Egress"]}
    policy = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "p"}, "spec": spec}
    create_network_policy(spec=policy, ns="shop")
    remove_network_policy("p", ns="shop")
    scale_deployment("web", replicas=2, ns="shop")
    eventually(lambda: count_pods("app=web", phase="Running", ns="shop") == 2, "two pods")
    scale_deployment("web", replicas=3, ns="shop")
    rollout_deployment("web", ns="shop")
    eventually(lambda: count_pods("app=web", phase="Running", ns="shop") == 3 and healthy(), "three new pods")


def test_chaos_mesh_objects(cluster: ClusterHandle) -> None:
    network = {
        "apiVersion": "chaos-mesh.org/v1alpha1",
        "kind": "NetworkChaos",
        "metadata": {"name": "slow"},
        "spec": {
            "action": "delay",
            "mode": "all",
            "selector": {"namespaces": ["shop"], "labelSelectors": {"app": "web"}},
            "delay": {"latency": "50ms"},
        },
    }
    assert healthy()
    create_custom_object("chaos-mesh.org", "v1alpha1", "networkchaos", ns="shop", resource=network)
    assert answers(cluster) >= 0.05
    delete_custom_object("chaos-mesh.org", "v1alpha1", "networkchaos", "slow", ns="shop")
    assert [edge["faults"] for edge in cluster.edges()] == [{} for _ in cluster.edges()]


def chaos(kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    everybody = {"mode": "all", "selector": {"namespaces": ["shop"], "labelSelectors": {"app": "web"}}}
    head = {"apiVersion": "chaos-mesh.org/v1alpha1", "kind": kind, "metadata": {"name": kind.lower()}}
    return {**head, "spec": {**everybody, **spec}}


def collection(cluster: ClusterHandle, plural: str) -> str:
    return f"{cluster.kube_api}/apis/chaos-mesh.org/v1alpha1/namespaces/shop/{plural}"


def test_network_chaos_ends_after_its_duration(cluster: ClusterHandle) -> None:
    assert healthy()
    body = chaos("NetworkChaos", {"action": "loss", "loss": {"loss": "40"}, "duration": "1s"})
    create_custom_object("chaos-mesh.org", "v1alpha1", "networkchaos", ns="shop", resource=body)
    assert any(fault["kind"] == "loss" for edge in cluster.edges() for fault in edge["faults"].values())
    eventually(lambda: not any(edge["faults"] for edge in cluster.edges()), "it never ended")
    status = httpx.get(f"{collection(cluster, 'networkchaos')}/networkchaos").json()["status"]
    assert {row["type"]: row["status"] for row in status["conditions"]}["AllRecovered"] == "True"
    delete_custom_object("chaos-mesh.org", "v1alpha1", "networkchaos", "networkchaos", ns="shop")


def test_stress_burns_at_the_expense_of_the_pods(cluster: ClusterHandle) -> None:
    def most() -> float:
        rows = httpx.get(f"{cluster.kube_api}/apis/metrics.k8s.io/v1beta1/namespaces/shop/pods").json()["items"]
        cores = [int(row["containers"][0]["usage"]["cpu"].removesuffix("n")) / 1e9 for row in rows]
        return max(cores, default=0.0)

    assert healthy()
    body = chaos("StressChaos", {"mode": "one", "stressors": {"cpu": {"workers": 1, "load": 30}}})
    create_custom_object("chaos-mesh.org", "v1alpha1", "stresschaos", ns="shop", resource=body)
    eventually(lambda: most() > 0.15, "nothing burnt")
    delete_custom_object("chaos-mesh.org", "v1alpha1", "stresschaos", "stresschaos", ns="shop")
    eventually(lambda: most() < 0.1, "it burns still")


def test_what_means_nothing_here_is_refused_and_named(cluster: ClusterHandle) -> None:
    refused = {
        "iochaos": chaos("IOChaos", {"action": "latency", "delay": "100ms", "volumePath": "/data"}),
        "networkchaos": chaos("NetworkChaos", {"action": "duplicate", "duplicate": {"duplicate": "40"}}),
        "timechaos": chaos("TimeChaos", {"timeOffset": "-10m"}),
    }
    for plural, body in refused.items():
        answer = httpx.post(collection(cluster, plural), json=body)
        assert (answer.status_code, answer.json()["reason"]) == (501, "NotImplemented")
        assert answer.json()["kind"] == "Status" and "haos" in answer.json()["message"]
    for wrong in (
        {"stressors": {"cpu": {"workers": 1}}, "duration": "soon"},
        {"stressors": {"memory": {"size": "much"}}},
        {"stressors": {"cpu": {"workers": "many"}}},
        {"stressors": {}},
    ):
        bad = chaos("StressChaos", wrong)
        assert httpx.post(collection(cluster, "stresschaos"), json=bad).status_code == 422
