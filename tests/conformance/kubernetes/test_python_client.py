"""The official Python client works unmodified."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client, config, watch
from kubernetes.client.rest import ApiException
from kubernetes.stream import portforward, stream

pytestmark = [
    pytest.mark.xdist_group("kubernetes"),
    # The client leaves the sockets of its streams to the garbage collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning"),
]


@pytest.fixture
def api(kubeconfig: Path) -> client.ApiClient:
    return config.new_client_from_config(str(kubeconfig))


@pytest.fixture
def core(api: client.ApiClient) -> client.CoreV1Api:
    return client.CoreV1Api(api)


def a_pod(name: str, command: str) -> dict[str, Any]:
    container = {"name": "main", "image": "busybox", "args": ["/bin/sh", "-c", command]}
    spec = {"containers": [container], "terminationGracePeriodSeconds": 1}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


def until(core: client.CoreV1Api, name: str, phase: str) -> None:
    """Follow a pod until it is in `phase`, from the version at which it was made."""
    pods = core.list_namespaced_pod("shop", field_selector=f"metadata.name={name}")
    if pods.items[0].status.phase == phase:
        return
    for event in watch.Watch().stream(
        core.list_namespaced_pod, "shop", field_selector=f"metadata.name={name}",
        resource_version=pods.metadata.resource_version, timeout_seconds=30,
    ):  # fmt: skip
        if event["object"].status.phase == phase:
            return
    pytest.fail(f"{name} never got {phase}")


def gone(core: client.CoreV1Api, name: str) -> None:
    """Follow a pod until it is deleted."""
    pods = core.list_namespaced_pod("shop", field_selector=f"metadata.name={name}")
    events = watch.Watch().stream(
        core.list_namespaced_pod, "shop", field_selector=f"metadata.name={name}",
        resource_version=pods.metadata.resource_version, timeout_seconds=30,
    )  # fmt: skip
    assert not pods.items or any(event["type"] == "DELETED" for event in events)


def test_a_pod_lives_runs_commands_and_goes(core: client.CoreV1Api, name: str) -> None:
    made = core.create_namespaced_pod("shop", a_pod(name, "while true; do date; sleep 1; done"))
    assert made.status.phase == "Pending" and made.spec.node_name and made.spec.service_account_name == "default"
    until(core, name, "Running")
    call = core.connect_get_namespaced_pod_exec
    out = stream(call, name, "shop", command=["/bin/sh", "-c", "echo $HOSTNAME"], stdout=True, stderr=False,
                 stdin=False, tty=False)  # fmt: skip
    assert out.strip() == name
    for command, code in (["true"], 0), (["false"], 1), (["/bin/sh", "-c", "exit 3"], 3):
        session = stream(call, name, "shop", command=command, stdout=True, stderr=True, _preload_content=False)
        session.run_forever(timeout=10)
        assert session.returncode == code
    shell = stream(
        call, name, "shop", command=["/bin/sh"], stdin=True, stdout=True, stderr=True, _preload_content=False
    )
    shell.write_stdin("echo to stdout\n")
    assert shell.readline_stdout(timeout=5) == "to stdout"
    shell.write_stdin("echo to stderr >&2\n")
    assert shell.readline_stderr(timeout=5) == "to stderr"
    shell.write_stdin("exit\n")
    shell.run_forever(timeout=10)
    assert shell.returncode == 0
    core.delete_namespaced_pod(name, "shop")
    gone(core, name)
    with pytest.raises(ApiException) as missing:
        core.read_namespaced_pod(name, "shop")
    assert missing.value.status == 404
    assert json.loads(missing.value.body)["details"] == {"name": name, "kind": "pods"}


def test_ports_are_forwarded(core: client.CoreV1Api) -> None:
    pod = core.list_namespaced_pod("shop", label_selector="app=web").items[0].metadata.name
    forwarded = portforward(core.connect_get_namespaced_pod_portforward, pod, "shop", ports="8080")
    socket = forwarded.socket(8080)
    socket.settimeout(10)
    socket.sendall(b"GET / HTTP/1.0\r\n\r\n")
    answer = b""
    while chunk := socket.recv(4096):
        answer += chunk
    assert answer.startswith(b"HTTP/1.0 200") and answer.endswith(pod.encode())
    assert forwarded.error(8080) is None


def test_patches_of_every_kind(core: client.CoreV1Api, name: str) -> None:
    core.create_namespaced_config_map("shop", {"metadata": {"name": name}, "data": {"a": "1", "b": "2"}})
    replaced = core.patch_namespaced_config_map(name, "shop", [{"op": "replace", "path": "/data", "value": {"c": "3"}}])
    assert replaced.data == {"c": "3"}
    merged = core.patch_namespaced_config_map(name, "shop", {"data": {"c": None, "d": "4"}})
    assert merged.data == {"d": "4"}
    with pytest.raises(ApiException) as refused:
        core.patch_namespaced_config_map(name, "shop", [{"op": "remove", "path": "/data/nothing"}])
    assert refused.value.status == 422


def test_a_stale_write_is_a_conflict(core: client.CoreV1Api, name: str) -> None:
    old = core.create_namespaced_config_map("shop", {"metadata": {"name": name}, "data": {"n": "0"}})
    core.patch_namespaced_config_map(name, "shop", {"data": {"n": "1"}})
    old.data["n"] = "2"
    with pytest.raises(ApiException) as refused:
        core.replace_namespaced_config_map(name, "shop", old)
    assert (refused.value.status, json.loads(refused.value.body)["reason"]) == (409, "Conflict")
    assert core.read_namespaced_config_map(name, "shop").data == {"n": "1"}


def test_a_watch_tells_what_changes_for_its_selector(core: client.CoreV1Api, name: str) -> None:
    version = core.list_namespaced_config_map("shop").metadata.resource_version
    seen: list[tuple[str, str]] = []

    def follow() -> None:
        for event in watch.Watch().stream(
            core.list_namespaced_config_map, "shop", label_selector=f"of={name}", resource_version=version,
            timeout_seconds=20,
        ):  # fmt: skip
            seen.append((event["type"], (event["object"].data or {}).get("n", "")))
            if event["type"] == "DELETED":
                return

    watcher = threading.Thread(target=follow)
    watcher.start()
    metadata = {"name": name, "labels": {"of": name}}
    core.create_namespaced_config_map("shop", {"metadata": metadata, "data": {"n": "1"}})
    core.create_namespaced_config_map("shop", {"metadata": {"name": f"{name}-other"}})
    core.patch_namespaced_config_map(name, "shop", {"data": {"n": "2"}})
    core.delete_namespaced_config_map(name, "shop")
    watcher.join(30)
    assert seen == [("ADDED", "1"), ("MODIFIED", "2"), ("DELETED", "2")]


def test_lists_come_in_pages(core: client.CoreV1Api, name: str) -> None:
    for n in range(5):
        core.create_namespaced_config_map("shop", {"metadata": {"name": f"{name}-{n}", "labels": {"of": name}}})
    names: list[str] = []
    token = None
    while True:
        page = core.list_namespaced_config_map("shop", label_selector=f"of={name}", limit=2, _continue=token)
        names += [item.metadata.name for item in page.items]
        token = page.metadata._continue
        if not token:
            break
    assert names == [f"{name}-{n}" for n in range(5)]
    core.delete_collection_namespaced_config_map("shop", label_selector=f"of={name}")
    assert core.list_namespaced_config_map("shop", label_selector=f"of={name}").items == []


def test_custom_resources_are_served_once_defined(api: client.ApiClient, name: str) -> None:
    plural, group = f"{name.replace('-', '')}s", "example.com"
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"plural": plural, "kind": "Thing"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
        },
    }
    definitions, objects = client.ApiextensionsV1Api(api), client.CustomObjectsApi(api)
    made = definitions.create_custom_resource_definition(definition)
    made = definitions.read_custom_resource_definition(made.metadata.name)
    assert ("Established", "True") in [(c.type, c.status) for c in made.status.conditions]
    thing = {"apiVersion": f"{group}/v1", "kind": "Thing", "metadata": {"name": "one"}, "spec": {"n": 1}}
    objects.create_namespaced_custom_object(group, "v1", "shop", plural, thing)
    objects.patch_namespaced_custom_object(group, "v1", "shop", plural, "one", {"spec": {"m": 2}})
    assert objects.get_namespaced_custom_object(group, "v1", "shop", plural, "one")["spec"] == {"n": 1, "m": 2}
    definitions.delete_custom_resource_definition(f"{plural}.{group}")
    with pytest.raises(ApiException) as gone:
        objects.list_namespaced_custom_object(group, "v1", "shop", plural)
    assert gone.value.status == 404


def test_what_is_owned_goes_with_its_owner_and_finalizers_hold(core: client.CoreV1Api, name: str) -> None:
    owner = core.create_namespaced_config_map("shop", {"metadata": {"name": name, "finalizers": ["example.com/hold"]}})
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": name, "uid": owner.metadata.uid}
    owned = {"metadata": {"name": f"{name}-owned", "ownerReferences": [reference]}}
    core.create_namespaced_config_map("shop", owned)
    core.delete_namespaced_config_map(name, "shop")
    assert core.read_namespaced_config_map(name, "shop").metadata.deletion_timestamp is not None
    core.patch_namespaced_config_map(name, "shop", {"metadata": {"finalizers": None}})
    for gone in (name, f"{name}-owned"):
        with pytest.raises(ApiException) as missing:
            core.read_namespaced_config_map(gone, "shop")
        assert missing.value.status == 404


def test_the_api_server_s_own_pod_is_only_shown(core: client.CoreV1Api) -> None:
    [pod] = core.list_namespaced_pod("kube-system").items
    core.patch_namespaced_pod(pod.metadata.name, "kube-system", {"metadata": {"labels": {"seen": "yes"}}})
    assert core.read_namespaced_pod(pod.metadata.name, "kube-system").status.phase == "Running"
    core.delete_namespaced_pod(pod.metadata.name, "kube-system")
    assert core.read_namespaced_pod(pod.metadata.name, "kube-system").status.phase == "Running"


def test_a_pod_of_another_namespace_knows_its_own_name(core: client.CoreV1Api, name: str) -> None:
    core.create_namespace({"metadata": {"name": name}})
    body = a_pod(name, "echo $HOSTNAME $MY_NAME; sleep 60")
    field = {"fieldRef": {"fieldPath": "metadata.name"}}
    body["spec"]["containers"][0]["env"] = [{"name": "MY_NAME", "valueFrom": field}]
    core.create_namespaced_pod(name, body)
    lines = watch.Watch().stream(core.read_namespaced_pod_log, name, name, _request_timeout=30)
    assert next(iter(lines)) == f"{name} {name}"
    core.delete_namespace(name)


def test_a_budget_forbids_evictions_below_it(api: client.ApiClient, core: client.CoreV1Api, name: str) -> None:
    policy = client.PolicyV1Api(api)
    budget = {"metadata": {"name": name}, "spec": {"minAvailable": 3, "selector": {"matchLabels": {"app": "web"}}}}
    policy.create_namespaced_pod_disruption_budget("shop", budget)
    pod = core.list_namespaced_pod("shop", label_selector="app=web").items[0].metadata.name
    with pytest.raises(ApiException) as refused:
        core.create_namespaced_pod_eviction(pod, "shop", {"metadata": {"name": pod}})
    assert refused.value.status == 429
    policy.delete_namespaced_pod_disruption_budget(name, "shop")
    core.create_namespaced_pod_eviction(pod, "shop", {"metadata": {"name": pod}})
