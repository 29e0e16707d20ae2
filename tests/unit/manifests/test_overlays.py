"""The manifests of every overlay are what Kubernetes takes, and keep the rules of the stack."""

from __future__ import annotations

import json
import shutil
import subprocess
from functools import lru_cache
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

K8S = Path(__file__).parents[3] / "reference_agents" / "k8s"
OVERLAYS = ("local", "staging", "production")
OPERATORS = ("PodMonitor", "PrometheusRule")  # no kinds of Kubernetes' own
VERSIONS = ("1.33", "1.37")
pytestmark = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl kustomize renders the overlays")


@lru_cache
def rendered(overlay: str) -> list[dict[str, Any]]:
    command = ["kubectl", "kustomize", str(K8S / "overlays" / overlay)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return [body for body in yaml.safe_load_all(done.stdout) if body]


def of_kind(overlay: str, *kinds: str) -> list[dict[str, Any]]:
    return [body for body in rendered(overlay) if body["kind"] in kinds]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_object_is_valid(overlay: str, version: str) -> None:
    for body in rendered(overlay):
        if body["kind"] not in OPERATORS:
            kubernetes_validate.validate(body, version, strict=True)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_workload_is_hardened_probed_and_bounded(overlay: str) -> None:
    guarded = {
        tuple(sorted(b["spec"]["selector"]["matchLabels"].items())) for b in of_kind(overlay, "PodDisruptionBudget")
    }
    for body in of_kind(overlay, "Deployment"):
        pod = body["spec"]["template"]["spec"]
        name = body["metadata"]["name"]
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert tuple(sorted(body["spec"]["selector"]["matchLabels"].items())) in guarded, name
        spread = pod["topologySpreadConstraints"][0]["labelSelector"]["matchLabels"]
        assert spread == body["spec"]["selector"]["matchLabels"], name
        for container in pod["containers"]:
            assert container["securityContext"]["readOnlyRootFilesystem"] is True, name
            assert {"readinessProbe", "livenessProbe", "lifecycle"} <= container.keys(), name
            assert {"cpu", "memory"} <= container["resources"]["limits"].keys(), name


@pytest.mark.parametrize("overlay", ["staging", "production"])
def test_a_real_cluster_denies_by_default_and_lets_every_service_be_reached(overlay: str) -> None:
    policies = of_kind(overlay, "NetworkPolicy")
    assert any(p["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]} for p in policies)
    reached = {p["spec"]["podSelector"]["matchLabels"]["app"] for p in policies if "Ingress" in p["spec"]["policyTypes"]
               and "matchLabels" in p["spec"]["podSelector"]}  # fmt: skip
    assert reached == {body["spec"]["selector"]["app"] for body in of_kind(overlay, "Service")}
    scaled = {body["spec"]["scaleTargetRef"]["name"] for body in of_kind(overlay, "HorizontalPodAutoscaler")}
    assert scaled == {
        b["metadata"]["name"] for b in of_kind(overlay, "Deployment") if b["metadata"]["name"][:6] == "agent-"
    }


@pytest.mark.parametrize("overlay", ["staging", "production"])
def test_prometheus_may_read_the_pods_that_it_is_told_to(overlay: str) -> None:
    (monitor,) = of_kind(overlay, "PodMonitor")
    (policy,) = (p for p in of_kind(overlay, "NetworkPolicy") if p["metadata"]["name"] == "from-prometheus")
    assert monitor["spec"]["selector"] == policy["spec"]["podSelector"]
    named = set(monitor["spec"]["selector"]["matchExpressions"][0]["values"])
    assert named <= {body["metadata"]["name"] for body in of_kind(overlay, "Deployment")}


@pytest.mark.parametrize("overlay", ["staging", "production"])
def test_secrets_are_the_clusters_own(overlay: str) -> None:
    assert of_kind(overlay, "Secret") == []


def test_production_knows_neither_the_mock_nor_the_harness() -> None:
    text = "\n".join(yaml.safe_dump(body) for body in rendered("production"))
    assert "mock-llm" not in text
    settings = next(
        b["data"] for b in of_kind("production", "ConfigMap") if b["metadata"]["name"] == "reference-settings"
    )
    callers = json.loads(settings["AUTH_CALLERS"])
    assert "windtunnel" not in {caller for row in callers.values() for caller in row}
    assert set(callers) == set(json.loads(_base()["AUTH_CALLERS"]))
    assert "TOOL_ACL" not in settings


def _base() -> dict[str, str]:
    data: dict[str, str] = yaml.safe_load((K8S / "base" / "settings.yaml").read_text())["data"]
    return data
