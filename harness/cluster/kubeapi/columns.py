"""The columns that `kubectl get` prints of each kind, as the API server's own printers give them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from harness.cluster.kubeapi import printing
from harness.cluster.kubeapi.printing import NONE, age, containers, images, labels, names, since
from harness.cluster.manifests.documents import Json


@dataclass(frozen=True)
class Column:
    """One column. One that is `wide` is printed with `-o wide` only."""

    name: str
    cell: Callable[[Json, datetime], Any]
    kind: str = "string"
    wide: bool = False


def _field(name: str, path: str, default: Any = "", *, wide: bool = False, kind: str = "string") -> Column:
    """A column that shows the field at `path`."""

    def cell(body: Json, _: datetime) -> Any:
        here: Any = body
        for part in path.split("."):
            here = here.get(part) if isinstance(here, dict) else None
        return default if here is None else here

    return Column(name, cell, kind, wide)


def _count(name: str, path: str, default: int = 0) -> Column:
    return _field(name, path, default, kind="integer")


def _text(name: str, cell: Callable[[Json], Any], *, wide: bool = False) -> Column:
    return Column(name, lambda body, _: cell(body), wide=wide)


AGE = Column("Age", age)
_CONTAINERS = (_text("Containers", names, wide=True), _text("Images", images, wide=True))
_SELECTOR = _text("Selector", lambda body: labels(body["spec"].get("selector")), wide=True)


def _pod_ready(body: Json) -> str:
    rows = (body.get("status") or {}).get("containerStatuses") or ()
    return f"{sum(row['ready'] for row in rows)}/{len(containers(body))}"


def _of_replicas(body: Json) -> str:
    return f"{(body.get('status') or {}).get('readyReplicas', 0)}/{body['spec'].get('replicas', 1)}"


def _job_status(body: Json) -> str:
    rows = (body.get("status") or {}).get("conditions") or ()
    return next((row["type"] for row in rows if row["status"] == "True"), "Running")


def _job_duration(body: Json, now: datetime) -> str:
    status = body.get("status") or {}
    if "startTime" not in status:
        return ""
    end = status.get("completionTime")
    return since(status["startTime"], datetime.fromisoformat(end.replace("Z", "+00:00")) if end else now)


def _node_status(body: Json) -> str:
    rows = (body.get("status") or {}).get("conditions") or ()
    good = any(row["type"] == "Ready" and row["status"] == "True" for row in rows)
    return ("Ready" if good else "NotReady") + (",SchedulingDisabled" if body["spec"].get("unschedulable") else "")


def _roles(body: Json) -> str:
    mark = "node-role.kubernetes.io/"
    found = [key[len(mark) :] for key in body["metadata"].get("labels") or {} if key.startswith(mark)]
    return ",".join(sorted(found)) or NONE


def _limit(body: Json, key: str) -> Any:
    return body["spec"].get(key, "N/A")


def _ref(body: Json) -> str:
    return f"{body['roleRef']['kind']}/{body['roleRef']['name']}"


def _hosts(body: Json) -> str:
    return ",".join(rule.get("host", "*") for rule in body["spec"].get("rules") or ()) or "*"


def _address(body: Json) -> str:
    rows = [row["address"] for row in body["status"]["addresses"] if row["type"] == "InternalIP"]
    return rows[0] if rows else NONE


def _last_run(body: Json, now: datetime) -> str:
    stamp = (body.get("status") or {}).get("lastScheduleTime")
    return since(stamp, now) if stamp else NONE


def _quota(body: Json) -> str:
    used = (body.get("status") or {}).get("used") or {}
    return ", ".join(f"{k}: {used.get(k, 0)}/{v}" for k, v in sorted((body["spec"].get("hard") or {}).items()))


COLUMNS: dict[str, tuple[Column, ...]] = {
    "pods": (
        _text("Ready", _pod_ready), _text("Status", printing.pod_word), Column("Restarts", printing.restarts), AGE,
        _field("IP", "status.podIP", NONE, wide=True), _field("Node", "spec.nodeName", NONE, wide=True),
        _field("Nominated Node", "status.nominatedNodeName", NONE, wide=True),
        _text("Readiness Gates", lambda body: NONE, wide=True),
    ),
    "deployments": (
        _text("Ready", _of_replicas), _count("Up-to-date", "status.updatedReplicas"),
        _count("Available", "status.availableReplicas"), AGE, *_CONTAINERS, _SELECTOR,
    ),
    "statefulsets": (_text("Ready", _of_replicas), AGE, *_CONTAINERS),
    "replicasets": (
        _count("Desired", "spec.replicas", 1), _count("Current", "status.replicas"),
        _count("Ready", "status.readyReplicas"), AGE, *_CONTAINERS, _SELECTOR,
    ),
    "replicationcontrollers": (
        _count("Desired", "spec.replicas", 1), _count("Current", "status.replicas"),
        _count("Ready", "status.readyReplicas"), AGE, *_CONTAINERS, _SELECTOR,
    ),
    "daemonsets": (
        _count("Desired", "status.desiredNumberScheduled", 1), _count("Current", "status.currentNumberScheduled"),
        _count("Ready", "status.numberReady"), _count("Up-to-date", "status.updatedNumberScheduled"),
        _count("Available", "status.numberAvailable"),
        _text("Node Selector", lambda body: labels(body["spec"]["template"]["spec"].get("nodeSelector"))),
        AGE, *_CONTAINERS, _SELECTOR,
    ),
    "jobs": (
        _text("Status", _job_status),
        _text("Completions", lambda body: f"{(body.get('status') or {}).get('succeeded') or 0}/"
                                          f"{body['spec'].get('completions', 1)}"),
        Column("Duration", _job_duration), AGE, *_CONTAINERS, _SELECTOR,
    ),
    "cronjobs": (
        _field("Schedule", "spec.schedule"), _field("Timezone", "spec.timeZone", NONE),
        _text("Suspend", lambda body: str(bool(body["spec"].get("suspend")))),
        _text("Active", lambda body: len((body.get("status") or {}).get("active") or ())),
        Column("Last Schedule", _last_run), AGE, *_CONTAINERS,
    ),
    "services": (
        _field("Type", "spec.type", "ClusterIP"), _field("Cluster-IP", "spec.clusterIP", NONE),
        _text("External-IP", lambda body: body["spec"].get("externalName") or NONE),
        _text("Port(s)", printing.service_ports), AGE, _SELECTOR,
    ),
    "endpoints": (_text("Endpoints", printing.endpoints), AGE),
    "endpointslices": (
        _field("AddressType", "addressType"),
        _text("Ports", lambda body: ",".join(str(row["port"]) for row in body.get("ports") or ()) or "<unset>"),
        _text("Endpoints", lambda body: ",".join(row["addresses"][0] for row in body.get("endpoints") or ())
                                        or "<unset>"),
        AGE,
    ),
    "nodes": (
        _text("Status", _node_status), _text("Roles", _roles), AGE,
        _field("Version", "status.nodeInfo.kubeletVersion"), _text("Internal-IP", _address, wide=True),
        _text("External-IP", lambda body: NONE, wide=True), _field("OS-Image", "status.nodeInfo.osImage", wide=True),
        _field("Kernel-Version", "status.nodeInfo.kernelVersion", wide=True),
        _field("Container-Runtime", "status.nodeInfo.containerRuntimeVersion", wide=True),
    ),
    "namespaces": (_field("Status", "status.phase", "Active"), AGE),
    "events": (
        Column("Last Seen", lambda body, now: since(body.get("lastTimestamp") or body.get("eventTime")
                                                    or body["metadata"].get("creationTimestamp"), now)),
        _field("Type", "type"), _field("Reason", "reason"),
        _text("Object", lambda body: f"{body['involvedObject'].get('kind', '').lower()}/"
                                     f"{body['involvedObject'].get('name', '')}"),
        _field("Subobject", "involvedObject.fieldPath", wide=True), _field("Source", "source.component", wide=True),
        _field("Message", "message"),
        Column("First Seen", lambda body, now: since(body.get("firstTimestamp")
                                                     or body["metadata"].get("creationTimestamp"), now), wide=True),
        _field("Count", "count", 1, wide=True),
    ),
    "configmaps": (
        _text("Data", lambda body: len(body.get("data") or {}) + len(body.get("binaryData") or {})), AGE,
    ),
    "secrets": (_field("Type", "type", "Opaque"), _text("Data", lambda body: len(body.get("data") or {})), AGE),
    "serviceaccounts": (_text("Secrets", lambda body: len(body.get("secrets") or ())), AGE),
    "poddisruptionbudgets": (
        _text("Min Available", lambda body: _limit(body, "minAvailable")),
        _text("Max Unavailable", lambda body: _limit(body, "maxUnavailable")),
        _count("Allowed Disruptions", "status.disruptionsAllowed"), AGE,
    ),
    "horizontalpodautoscalers": (
        _text("Reference", lambda body: "{kind}/{name}".format(**body["spec"]["scaleTargetRef"])),
        _text("Targets", printing.hpa_targets), _count("MinPods", "spec.minReplicas", 1),
        _count("MaxPods", "spec.maxReplicas"), _count("Replicas", "status.currentReplicas"), AGE,
    ),
    "networkpolicies": (_text("Pod-Selector", lambda body: labels(body["spec"].get("podSelector"))), AGE),
    "ingresses": (
        _field("Class", "spec.ingressClassName", NONE), _text("Hosts", _hosts),
        _text("Address", lambda body: ""),
        _text("Ports", lambda body: "80, 443" if body["spec"].get("tls") else "80"), AGE,
    ),
    "roles": (_field("Created At", "metadata.creationTimestamp"),),
    "clusterroles": (_field("Created At", "metadata.creationTimestamp"),),
    "rolebindings": (_text("Role", _ref), AGE),
    "clusterrolebindings": (_text("Role", _ref), AGE),
    "customresourcedefinitions": (_field("Created At", "metadata.creationTimestamp"),),
    "persistentvolumeclaims": (
        _field("Status", "status.phase", "Pending"), _field("Volume", "spec.volumeName"),
        _field("Capacity", "status.capacity.storage"),
        _text("Access Modes", lambda body: ",".join(body["spec"].get("accessModes") or ())),
        _field("StorageClass", "spec.storageClassName"), AGE,
    ),
    "persistentvolumes": (
        _field("Capacity", "spec.capacity.storage"),
        _text("Access Modes", lambda body: ",".join(body["spec"].get("accessModes") or ())),
        _field("Reclaim Policy", "spec.persistentVolumeReclaimPolicy"), _field("Status", "status.phase", "Available"),
        _field("StorageClass", "spec.storageClassName"), AGE,
    ),
    "storageclasses": (
        _field("Provisioner", "provisioner"), _field("ReclaimPolicy", "reclaimPolicy", "Delete"),
        _field("VolumeBindingMode", "volumeBindingMode", "Immediate"), AGE,
    ),
    "resourcequotas": (_text("Request", _quota), _text("Limit", lambda body: ""), AGE),
    "limitranges": (_field("Created At", "metadata.creationTimestamp"),),
    "leases": (_field("Holder", "spec.holderIdentity"), AGE),
    "priorityclasses": (
        _count("Value", "value"), _text("Global-Default", lambda body: str(bool(body.get("globalDefault"))).lower()),
        AGE, _field("PreemptionPolicy", "preemptionPolicy", "PreemptLowerPriority"),
    ),
    "controllerrevisions": (
        _text("Controller", lambda body: "{kind}/{name}".format(**body["metadata"]["ownerReferences"][0])),
        _count("Revision", "revision"), AGE,
    ),
}  # fmt: skip
