"""kubectl, as people use it, works unmodified."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import shutil
import struct
import subprocess
import termios
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

pytestmark = [
    pytest.mark.skipif(shutil.which("kubectl") is None, reason="there is no kubectl on this machine"),
    pytest.mark.xdist_group("kubernetes"),
]


class Kubectl:
    """Runs kubectl on one cluster."""

    def __init__(self, kubeconfig: Path) -> None:
        self.env = {"PATH": os.environ["PATH"], "HOME": str(kubeconfig.parent), "KUBECONFIG": str(kubeconfig)}

    def run(self, *words: str, text: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(["kubectl", *words], env=self.env, input=text, capture_output=True, text=True, timeout=60)

    def popen(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["kubectl", *words], env=self.env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
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


def test_what_is_printed_is_what_a_cluster_prints(kubectl: Kubectl, name: str) -> None:
    wide = kubectl("get", "pods", "-l", "app=web", "-o", "wide").splitlines()[0]
    assert " ".join(wide.split()) == "NAME READY STATUS RESTARTS AGE IP NODE NOMINATED NODE READINESS GATES"
    assert "app=web" in kubectl("get", "deploy", "web", "-o", "wide")
    assert kubectl("get", "events", "--sort-by=.lastTimestamp").splitlines()[0].split()[:3] == ["LAST", "SEEN", "TYPE"]
    assert "control-plane" in kubectl("get", "nodes", "-o", "wide")
    kubectl("create", "cronjob", name, "--image=busybox", "--schedule=0 * * * *", "--", "true")
    assert "0 * * * *" in kubectl("get", "cronjob", name)
    kubectl("autoscale", "deploy", "web", f"--name={name}", "--min=1", "--max=5", "--cpu-percent=80")  # autoscaling/v1
    assert "cpu: <unknown>/80%" in kubectl("get", "hpa", name)
    metric = kubectl("get", "hpa.v2.autoscaling", name, "-o", "jsonpath={.spec.metrics[0].resource.name}")
    assert metric == "cpu"
    kubectl("delete", "hpa,cronjob", name)
    kubectl("create", "ingress", name, "--rule=shop.example/=web:80")
    assert "127.0.0.1" in kubectl("describe", "ingress", name)
    assert "ScalingReplicaSet" in kubectl("describe", "deploy", "web")


def test_selectors_that_are_none_are_refused(kubectl: Kubectl) -> None:
    assert "field label not supported: foo.bar" in kubectl.run("get", "pods", "--field-selector=foo.bar=1").stderr
    assert "unable to parse requirement" in kubectl.run("get", "pods", "-l", "app in (web").stderr
    assert "No resources found" in kubectl.run("get", "pods", "-l", "app=web,tier>3").stderr


def test_endpoints_say_where_the_pods_listen(kubectl: Kubectl) -> None:
    rows = kubectl("get", "endpoints", "web", "-o", "jsonpath={.subsets[*].ports[*].port}").split()
    assert len(set(rows)) == 3
    names = set()
    for port in rows:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
            names.add(answer.read().decode())
    assert names == set(kubectl("get", "pods", "-l", "app=web", "-o", "jsonpath={.items[*].metadata.name}").split())
    assert kubectl("get", "endpointslices", "-l", "kubernetes.io/service-name=web", "--no-headers").count("\n") == 1


def test_services_and_pods_answer_through_the_api(kubectl: Kubectl) -> None:
    [pod, *_] = kubectl("get", "pods", "-l", "app=web", "-o", "jsonpath={.items[*].metadata.name}").split()
    assert kubectl("get", "--raw", f"/api/v1/namespaces/shop/pods/{pod}:8080/proxy/") == pod
    assert kubectl("get", "--raw", "/api/v1/namespaces/shop/services/web:80/proxy/").startswith("web-")
    assert "not found" in kubectl.run("get", "--raw", "/api/v1/namespaces/shop/services/none:80/proxy/").stderr
    none = kubectl.run("get", "--raw", "/api/v1/namespaces/shop/services/web:81/proxy/")
    assert "no endpoints available" in none.stderr


def a_deployment(name: str) -> str:
    container = {"name": "web", "image": "web:1", "args": ["8080"], "ports": [{"containerPort": 8080}]}
    template = {"metadata": {"labels": {"app": name}},
                "spec": {"containers": [container], "terminationGracePeriodSeconds": 1}}  # fmt: skip
    spec = {"replicas": 2, "selector": {"matchLabels": {"app": name}}, "template": template}
    body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}
    return json.dumps(body)


def test_orphans_are_adopted_and_a_relabelled_pod_is_let_go(kubectl: Kubectl, name: str) -> None:
    kubectl("apply", "-f", "-", text=a_deployment(name))
    kubectl("rollout", "status", f"deploy/{name}", "--timeout=30s")
    before = kubectl("get", "pods", "-l", f"app={name}", "-o", "name")
    kubectl("delete", "deploy", name, "--cascade=orphan")
    assert kubectl("get", "pods", "-l", f"app={name}", "-o", "name") == before
    kubectl("apply", "-f", "-", text=a_deployment(name))
    kubectl("rollout", "status", f"deploy/{name}", "--timeout=30s")
    assert kubectl("get", "pods", "-l", f"app={name}", "-o", "name") == before
    [taken, *_] = before.split()
    kubectl("label", taken, "app=quarantined", "--overwrite")
    kubectl("rollout", "status", f"deploy/{name}", "--timeout=30s")
    assert len(kubectl("get", "pods", "-l", f"app={name}", "-o", "name").split()) == 2
    assert kubectl("get", taken, "-o", "jsonpath={.metadata.ownerReferences}") == ""
    kubectl("delete", taken, f"deploy/{name}")


def test_a_paused_rollout_waits_until_it_is_resumed(kubectl: Kubectl, name: str) -> None:
    kubectl("apply", "-f", "-", text=a_deployment(name))
    kubectl("rollout", "status", f"deploy/{name}", "--timeout=30s")
    before = kubectl("get", "pods", "-l", f"app={name}", "-o", "name")
    kubectl("rollout", "pause", f"deploy/{name}")
    kubectl("set", "env", f"deploy/{name}", "X=1")
    kubectl("annotate", f"deploy/{name}", "kubernetes.io/change-cause=a variable")
    kubectl("wait", f"deploy/{name}", "--for=jsonpath={.status.observedGeneration}=3", "--timeout=30s")
    assert kubectl("get", "pods", "-l", f"app={name}", "-o", "name") == before
    kubectl("rollout", "resume", f"deploy/{name}")
    kubectl("rollout", "status", f"deploy/{name}", "--timeout=30s")
    assert not set(kubectl("get", "pods", "-l", f"app={name}", "-o", "name").split()) & set(before.split())
    assert "a variable" in kubectl("rollout", "history", f"deploy/{name}")
    kubectl("delete", "deploy", name)


def test_a_cordoned_node_takes_no_pod(kubectl: Kubectl, name: str) -> None:
    kubectl("cordon", "windtunnel")
    assert "Ready,SchedulingDisabled" in kubectl("get", "nodes")
    kubectl("run", name, "--image=busybox", "--restart=Never", "--", "sleep", "60")
    kubectl("wait", f"pod/{name}", "--for=condition=PodScheduled=false", "--timeout=30s")
    assert "FailedScheduling" in kubectl("describe", "pod", name)
    kubectl("uncordon", "windtunnel")
    kubectl("wait", f"pod/{name}", "--for=condition=Ready", "--timeout=30s")
    kubectl("delete", "pod", name, "--grace-period=0", "--force")


def test_one_object_that_cannot_be_kept_up_harms_no_other(kubectl: Kubectl, name: str) -> None:
    broken = json.loads(a_deployment(name))
    broken["spec"]["strategy"] = {"rollingUpdate": {"maxSurge": "a lot", "maxUnavailable": 0}}
    kubectl("apply", "--validate=false", "-f", "-", text=json.dumps(broken))
    assert "FailedSync" in kubectl("describe", "deploy", name)
    kubectl("apply", "-f", "-", text=a_deployment(f"{name}-good"))
    kubectl("rollout", "status", f"deploy/{name}-good", "--timeout=30s")
    kubectl("delete", "deploy", name, f"{name}-good")


@pytest.fixture
def ticking(kubectl: Kubectl, name: str) -> Iterator[str]:
    """A pod that writes a line five times a second."""
    script = "i=0; while true; do echo line $i; i=$((i+1)); sleep 0.2; done"
    kubectl("run", name, "--image=busybox", "--restart=Never", "--", "sh", "-c", script)
    kubectl("wait", "--for=condition=Ready", f"pod/{name}", "--timeout=30s")
    yield name
    kubectl("delete", "pod", name, "--now")


def test_logs_by_time_and_size(kubectl: Kubectl, ticking: str) -> None:
    deadline = time.monotonic() + 30
    while "line 7" not in kubectl("logs", ticking):
        assert time.monotonic() < deadline
    assert "line 0\n" not in kubectl("logs", ticking, "--since=1s")
    stamp, *line = kubectl("logs", ticking, "--timestamps", "--tail=1").split()
    assert line[0] == "line" and abs(datetime.now(UTC) - datetime.fromisoformat(stamp[:26] + "+00:00")).seconds < 30
    assert kubectl("logs", ticking, "--limit-bytes=5") == "line "
    assert kubectl("logs", ticking, "--since-time=2100-01-01T00:00:00Z") == ""
    assert "previous terminated container" in kubectl.run("logs", ticking, "--previous").stderr
    followed = kubectl.popen("logs", "-f", "--tail=1", ticking)
    assert followed.stdout is not None
    first, second = followed.stdout.readline().split(), followed.stdout.readline().split()
    assert int(second[1]) == int(first[1]) + 1
    followed.kill()
    followed.communicate()


def test_the_log_before_a_crash(kubectl: Kubectl, name: str) -> None:
    kubectl("run", name, "--image=busybox", "--", "sh", "-c", "echo $$; exit 3")
    kubectl("wait", f"pod/{name}", "--for=jsonpath={.status.containerStatuses[0].restartCount}=2", "--timeout=30s")
    assert len(kubectl("logs", name, "--previous").split()) == 1  # of one start, not of all
    assert kubectl("get", "pod", name, "-o", "jsonpath={..lastState.terminated.exitCode}") == "3"
    kubectl("delete", "pod", name, "--now")


@pytest.mark.parametrize("protocol", ["websocket", "spdy"])
def test_streams_over_both_protocols(kubectl: Kubectl, ticking: str, protocol: str) -> None:
    over = str(protocol == "websocket").lower()
    kubectl.env |= {"KUBECTL_REMOTE_COMMAND_WEBSOCKETS": over, "KUBECTL_PORT_FORWARD_WEBSOCKETS": over}
    failed = kubectl.run("exec", ticking, "--", "sh", "-c", "echo out; echo err >&2; exit 4")
    assert (failed.returncode, failed.stdout) == (4, "out\n") and failed.stderr.startswith("err\n")
    assert kubectl("exec", "-i", ticking, "--", "cat", text="through\n") == "through\n"
    assert len(kubectl("exec", ticking, "--", "head", "-c", "5000000", "/dev/zero")) == 5_000_000
    attached = kubectl.popen("attach", ticking)
    assert attached.stdout is not None and attached.stdout.readline().startswith("line ")
    attached.kill()
    attached.communicate()
    forwarding = kubectl.popen("port-forward", "svc/web", ":80")
    assert forwarding.stdout is not None
    port = re.search(r"127\.0\.0\.1:(\d+)", forwarding.stdout.readline())
    assert port is not None
    for _ in range(3):
        with urllib.request.urlopen(f"http://127.0.0.1:{port[1]}/", timeout=10) as answer:
            assert answer.read().startswith(b"web-")
    forwarding.kill()
    forwarding.communicate()


def test_files_are_copied(kubectl: Kubectl, ticking: str, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "a.txt").write_text("hello")
    kubectl("cp", str(tmp_path / "a.txt"), f"{ticking}:{tmp_path}/there/b.txt")
    kubectl("cp", f"{ticking}:{tmp_path}/there/b.txt", str(tmp_path / "c.txt"))
    assert (tmp_path / "c.txt").read_text() == "hello"


def test_a_terminal_is_a_terminal(kubectl: Kubectl, ticking: str) -> None:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 77, 0, 0))
    shell = subprocess.Popen(
        ["kubectl", "exec", "-it", ticking, "--", "sh", "-c", "sleep 1; stty size; tty; read word; echo got $word"],
        env=kubectl.env, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    os.write(ours, b"this\n")
    seen = b""
    try:
        while data := os.read(ours, 4096):
            seen += data
    except OSError:
        pass  # a terminal ends so
    assert shell.wait(30) == 0
    os.close(ours)
    assert b"33 77" in seen and b"/dev/pts/" in seen and b"got this" in seen
    fed = kubectl("run", f"{ticking}-i", "--image=busybox", "-i", "--rm", "--restart=Never", "--", "cat", text="in\n")
    assert "in\n" in fed


def test_fields_are_explained_and_unknown_ones_refused(kubectl: Kubectl, name: str) -> None:
    explained = kubectl("explain", "deployment.spec.strategy.rollingUpdate")
    assert "FIELD: rollingUpdate <RollingUpdateDeployment>" in explained and "maxSurge" in explained
    assert "averageUtilization" in kubectl("explain", "hpa.spec", "--recursive")
    typo = json.loads(a_deployment(name))
    typo["spec"]["replica"] = 1
    typo["spec"]["template"]["spec"]["containers"][0]["comand"] = ["x"]
    refused = kubectl.run("create", "-f", "-", text=json.dumps(typo)).stderr
    assert 'unknown field "spec.replica", unknown field "spec.template.spec.containers[0].comand"' in refused
    warned = kubectl.run("create", "--validate=warn", "-f", "-", text=json.dumps(typo))
    assert warned.returncode == 0 and 'Warning: unknown field "spec.replica"' in warned.stderr
    assert kubectl("get", "deploy", name, "-o", "jsonpath={.spec.replica}") == ""
    number = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"a": 1}}
    refused = kubectl.run("create", "-f", "-", text=json.dumps(number)).stderr
    assert "cannot unmarshal number into Go struct field ConfigMap.data of type string" in refused
    kubectl("delete", "deploy", name)


def test_managers_conflict_field_by_field(kubectl: Kubectl, name: str) -> None:
    def apply(body: dict[str, Any], *words: str) -> subprocess.CompletedProcess[str]:
        head = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}}
        text = json.dumps({**head, **body})
        return kubectl.run("apply", "--server-side", "--field-manager=other", *words, "-f", "-", text=text)

    kubectl("apply", "--server-side", "-f", "-", text=a_deployment(name))
    image = {"spec": {"template": {"spec": {"containers": [{"name": "web", "image": "web:2"}]}}}}
    refused = apply({"spec": {"replicas": 5, **image["spec"]}}).stderr
    assert 'conflicts with "kubectl":\n- .spec.replicas\n' in refused
    assert '- .spec.template.spec.containers[name="web"].image' in refused
    assert apply({"spec": {"replicas": 3}}, "--force-conflicts").returncode == 0
    assert "conflict" not in apply({"spec": {"replicas": 4}}).stderr  # it is its own by now
    kubectl("scale", "deploy", name, "--replicas=1")
    refused = apply({"spec": {"replicas": 4}}).stderr
    assert 'conflict with "kubectl" with subresource "scale" using apps/v1: .spec.replicas' in refused
    kubectl("annotate", "deploy", name, "mine=yes", "--field-manager=hand")
    rows = kubectl("get", "deploy", name, "--show-managed-fields", "-o", "jsonpath={.metadata.managedFields}")
    assert {row["manager"]: row["operation"] for row in json.loads(rows)}["hand"] == "Update"
    kubectl("delete", "deploy", name)


def test_strategic_patches_follow_their_directives(kubectl: Kubectl, name: str) -> None:
    kubectl("apply", "-f", "-", text=a_deployment(name))
    kubectl("patch", "deploy", name, "-p", '{"spec":{"strategy":{"$retainKeys":["type"],"type":"Recreate"}}}')
    assert kubectl("get", "deploy", name, "-o", "jsonpath={.spec.strategy}") == '{"type":"Recreate"}'
    kubectl("set", "env", f"deploy/{name}", "A=1", "B=2")
    kubectl("set", "env", f"deploy/{name}", "A-")
    container = kubectl("get", "deploy", name, "-o", "jsonpath={.spec.template.spec.containers[0]}")
    assert json.loads(container)["env"] == [{"name": "B", "value": "2"}]
    assert "$" not in kubectl("get", "deploy", name, "-o", "json")
    move = '[{"op":"move","from":"/metadata/labels/a","path":"/metadata/labels/b"}]'
    kubectl("label", "deploy", name, "a=x")
    kubectl("patch", "deploy", name, "--type=json", "-p", move)
    assert json.loads(kubectl("get", "deploy", name, "-o", "jsonpath={.metadata.labels}")) == {"b": "x"}
    kubectl("delete", "deploy", name)


def test_an_owner_deleted_in_the_foreground_goes_last(kubectl: Kubectl, name: str) -> None:
    body = json.loads(a_deployment(name))
    script = "trap 'sleep 2; exit 0' TERM; while true; do sleep 0.1; done"
    container = {"name": "slow", "image": "busybox", "args": ["sh", "-c", script]}
    body["spec"]["template"]["spec"] = {"containers": [container], "terminationGracePeriodSeconds": 10}
    kubectl("apply", "-f", "-", text=json.dumps(body))
    kubectl("rollout", "status", f"deploy/{name}", "--timeout=30s")
    kubectl("delete", "deploy", name, "--cascade=foreground", "--wait=false")
    assert "foregroundDeletion" in kubectl("get", "deploy", name, "-o", "jsonpath={.metadata.finalizers}")
    kubectl("wait", f"deploy/{name}", "--for=delete", "--timeout=30s")
    assert kubectl("get", "pods,rs", "-l", f"app={name}", "-o", "name") == ""
