"""kubectl, as people use it, works unmodified."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.skipif(shutil.which("kubectl") is None, reason="there is no kubectl on this machine"),
    pytest.mark.xdist_group("kubernetes"),
]


class Kubectl:
    """Runs kubectl on one cluster."""

    def __init__(self, kubeconfig: Path) -> None:
        self._env = {"PATH": os.environ["PATH"], "HOME": str(kubeconfig.parent), "KUBECONFIG": str(kubeconfig)}

    def run(self, *words: str, text: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["kubectl", *words], env=self._env, input=text, capture_output=True, text=True, timeout=60
        )

    def __call__(self, *words: str, text: str = "") -> str:
        done = self.run(*words, text=text)
        assert done.returncode == 0, f"kubectl {' '.join(words)}: {done.stderr}"
        return done.stdout


@pytest.fixture
def kubectl(kubeconfig: Path) -> Kubectl:
    return Kubectl(kubeconfig)


def test_get_and_describe(kubectl: Kubectl) -> None:
    assert kubectl("get", "pods", "-l", "app=web", "--no-headers").count("Running") == 3
    assert "3/3" in kubectl("get", "deploy", "web")
    assert "Started container web" in kubectl("describe", "pods", "-l", "app=web")
    assert "service/web" in kubectl("get", "all")
    assert "Ready" in kubectl("get", "nodes")


def test_create_by_generators(kubectl: Kubectl, name: str) -> None:
    # These send protobuf.
    kubectl("create", "namespace", name)
    kubectl("create", "configmap", "c", "--from-literal=a=1", "-n", name)
    kubectl("create", "secret", "generic", "s", "--from-literal=p=word", "-n", name)
    kubectl("create", "deployment", "d", "--image=web:1", "--replicas=2", "-n", name, "--", "sleep", "60")
    kubectl("create", "job", "j", "--image=busybox", "-n", name, "--", "echo", "done")
    kubectl("create", "role", "r", "--verb=get", "--resource=pods", "-n", name)
    kubectl("wait", "--for=condition=complete", "job/j", "--timeout=30s", "-n", name)
    kubectl("rollout", "status", "deploy/d", "--timeout=30s", "-n", name)
    assert kubectl("get", "configmap", "c", "-n", name, "-o", "jsonpath={.data.a}") == "1"
    assert kubectl("get", "secret", "s", "-n", name, "-o", "jsonpath={.data.p}") == "d29yZA=="
    assert kubectl("logs", "job/j", "-n", name).strip() == "done"
    kubectl("delete", "namespace", name, "--timeout=30s")
    assert kubectl.run("get", "namespace", name).returncode == 1


def test_apply_changes_and_rolls_back(kubectl: Kubectl, name: str) -> None:
    manifest = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "web", "image": "web:1", "args": ["8080"],
                                         "ports": [{"containerPort": 8080}]}],
                         "terminationGracePeriodSeconds": 1},
            },
        },
    }  # fmt: skip
    assert "created" in kubectl("apply", "-f", "-", text=json.dumps(manifest))
    assert "unchanged" in kubectl("apply", "-f", "-", text=json.dumps(manifest))
    assert "serverside-applied" in kubectl(
        "apply", "--server-side", "--force-conflicts", "-f", "-", text=json.dumps(manifest)
    )
    kubectl("set", "image", f"deploy/{name}", "web=web:2")
    assert "successfully rolled out" in kubectl("rollout", "status", f"deploy/{name}", "--timeout=30s")
    assert kubectl("rollout", "history", f"deploy/{name}").count("<none>") == 2
    kubectl("rollout", "undo", f"deploy/{name}")
    kubectl("rollout", "status", f"deploy/{name}", "--timeout=30s")
    image = kubectl("get", "deploy", name, "-o", "jsonpath={.spec.template.spec.containers[0].image}")
    assert image == "web:1"
    kubectl("scale", "deploy", name, "--replicas=1")
    kubectl("wait", f"deploy/{name}", "--for=jsonpath={.status.replicas}=1", "--timeout=30s")
    kubectl("delete", "deploy", name, "--cascade=foreground")
    kubectl("wait", "pods", "-l", f"app={name}", "--for=delete", "--timeout=30s")


def test_exec_logs_label_and_delete(kubectl: Kubectl, name: str) -> None:
    kubectl("run", name, "--image=busybox", "--restart=Never", "--", "sh", "-c", "echo begun; sleep 60")
    kubectl("wait", "--for=condition=Ready", f"pod/{name}", "--timeout=30s")
    assert kubectl("exec", "-i", name, "--", "cat", text="through\n") == "through\n"
    failed = kubectl.run("exec", name, "--", "sh", "-c", "echo no >&2; exit 3")
    assert (failed.returncode, "no" in failed.stderr) == (3, True)
    assert "begun" in kubectl("logs", name)
    kubectl("label", "pod", name, "colour=red")
    assert name in kubectl("get", "pods", "-l", "colour in (red, green),colour!=blue")
    kubectl("delete", "pod", name, "--grace-period=1")
    assert "NotFound" in kubectl.run("get", "pod", name).stderr


def test_mistakes_are_told_in_kubernetes_words(kubectl: Kubectl, name: str) -> None:
    assert 'Error from server (NotFound): pods "nobody" not found' in kubectl.run("get", "pod", "nobody").stderr
    kubectl("create", "configmap", name)
    assert "already exists" in kubectl.run("create", "configmap", name).stderr
    bad = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "Not_A_Name"}, "spec": {"containers": []}}
    assert "Invalid value" in kubectl.run("create", "-f", "-", "--validate=false", text=json.dumps(bad)).stderr
    assert kubectl("auth", "can-i", "delete", "pods").strip() == "yes"
