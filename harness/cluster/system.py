"""What every cluster has before anything is put into it: the node, the API server's own pod and service."""

from __future__ import annotations

import os

from harness.cluster.admission import NODE, prepared
from harness.cluster.manifests.documents import Json

_ARCH = {"x86_64": "amd64", "aarch64": "arm64"}
MIRROR = "kubernetes.io/config.mirror"  # marks a pod that stands for a process nobody here starts


def node(now: str, cpus: int, memory_kib: int) -> Json:
    """The one node: this machine."""
    room = {"cpu": str(cpus), "memory": f"{memory_kib}Ki", "pods": "250", "ephemeral-storage": "0"}
    healthy = (("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
               ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
               ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
               ("Ready", "True", "KubeletReady", "processes on loopback"))  # fmt: skip
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": NODE,
            "labels": {
                "kubernetes.io/hostname": NODE,
                "kubernetes.io/os": "linux",
                "kubernetes.io/arch": _ARCH.get(os.uname().machine, os.uname().machine),
                "node-role.kubernetes.io/control-plane": "",
            },
        },
        "spec": {"podCIDR": "127.0.0.0/8"},
        "status": {
            "capacity": room,
            "allocatable": dict(room),
            "conditions": [
                {
                    "type": kind,
                    "status": value,
                    "reason": reason,
                    "message": message,
                    "lastHeartbeatTime": now,
                    "lastTransitionTime": now,
                }
                for kind, value, reason, message in healthy
            ],
            "addresses": [
                {"type": "InternalIP", "address": "127.0.0.1"},
                {"type": "Hostname", "address": NODE},
            ],
            "nodeInfo": {
                "kubeletVersion": "v1.32.0-windtunnel",
                "kubeProxyVersion": "",
                "operatingSystem": "linux",
                "architecture": _ARCH.get(os.uname().machine, os.uname().machine),
                "osImage": "loopback",
                "kernelVersion": os.uname().release,
                "machineID": NODE,
                "systemUUID": NODE,
                "bootID": NODE,
                "containerRuntimeVersion": "process://1.0.0",
            },
        },
    }


def system_pod(pid: int) -> Json:
    """The API server's own process, as the mirror pod that a kubelet shows of it. Nothing runs or ends it."""
    name = f"kube-apiserver-{NODE}"
    body: Json = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": "kube-system",
            "labels": {"component": "kube-apiserver", "tier": "control-plane"},
            "annotations": {MIRROR: NODE},
        },
        "spec": {"containers": [{"name": "kube-apiserver", "image": "windtunnel"}]},
    }
    conditions = [
        {"type": kind, "status": "True"} for kind in ("PodScheduled", "Initialized", "ContainersReady", "Ready")
    ]
    status = {
        "name": "kube-apiserver",
        "image": "windtunnel",
        "imageID": "windtunnel",
        "containerID": f"process://{pid}",
        "ready": True,
        "started": True,
        "restartCount": 0,
        "state": {"running": {}},
    }
    body["status"] = {"phase": "Running", "podIP": "127.0.0.1", "hostIP": "127.0.0.1", "conditions": conditions,
                      "containerStatuses": [status]}  # fmt: skip
    return prepared("pods", body)


def system_service() -> Json:
    """The service `kubernetes`, which is the API server."""
    return prepared(
        "services",
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "kubernetes", "namespace": "default", "labels": {"component": "apiserver"}},
            "spec": {"ports": [{"name": "https", "port": 443}]},
        },
    )


def namespace(name: str) -> Json:
    """A namespace as `kubectl create namespace` makes it."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
