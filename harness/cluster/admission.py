"""What an API server does to an object before it keeps it: defaults, and a refusal of what breaks a rule."""

from __future__ import annotations

import base64
import re

from harness.cluster.chaosmesh import milliseconds, network_fault, stressors_wrong
from harness.cluster.manifests.documents import Json
from harness.cluster.manifests.kustomize import containers_of
from harness.cluster.runtime.images import command_of
from harness.cluster.selectors import matches
from harness.cluster.spec import ClusterSpec
from harness.core.errors import ConfigError

WORKLOADS = ("deployments", "statefulsets", "daemonsets", "replicasets", "replicationcontrollers", "jobs")
NODE = "windtunnel"

_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
# Kinds whose names hold other characters in Kubernetes, too.
_ANY_NAME = ("roles", "rolebindings", "clusterroles", "clusterrolebindings", "events", "apiservices")
_RULE_SUBDOMAIN = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start "
    "and end with an alphanumeric character"
)
_RULE_LABEL = _RULE_SUBDOMAIN.replace("subdomain", "label").replace("characters, '-' or '.'", "characters or '-'")


def prepared(plural: str, body: Json) -> Json:
    """`body` with the defaults that Kubernetes fills in, changed in place."""
    spec = body.get("spec")
    if isinstance(spec, dict):
        if plural not in ("pods", "services", "configmaps"):
            body["metadata"].setdefault("generation", 1)
        template = spec.get("template")
        if isinstance(template, dict) and plural in WORKLOADS:
            template.setdefault("metadata", {}).setdefault("labels", {})
            _pod_defaults(template.setdefault("spec", {}), "Always")
        if plural in ("deployments", "statefulsets", "replicasets", "replicationcontrollers"):
            spec.setdefault("replicas", 1)
    fill = _DEFAULTS.get(plural)
    if fill is not None:
        fill(body)
    return body


def _pod_defaults(spec: Json, restart: str) -> None:
    spec.setdefault("restartPolicy", restart)
    spec.setdefault("terminationGracePeriodSeconds", 30)
    spec.setdefault("dnsPolicy", "ClusterFirst")
    spec.setdefault("schedulerName", "default-scheduler")
    spec.setdefault("securityContext", {})
    for container in [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]:
        if not isinstance(container, dict):
            continue
        container.setdefault("resources", {})
        container.setdefault("imagePullPolicy", "IfNotPresent")
        container.setdefault("terminationMessagePath", "/dev/termination-log")
        container.setdefault("terminationMessagePolicy", "File")
        for port in container.get("ports") or ():
            port.setdefault("protocol", "TCP")


def _pod(body: Json) -> None:
    spec = body.setdefault("spec", {})
    _pod_defaults(spec, "Always")
    spec.setdefault("serviceAccountName", "default")
    spec.setdefault("enableServiceLinks", True)
    spec["nodeName"] = spec.get("nodeName") or NODE
    tolerated = spec.setdefault("tolerations", [])
    for taint in ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"):
        if not any(row.get("key") == taint for row in tolerated):
            tolerated.append({"key": taint, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300})
    body.setdefault("status", {}).setdefault("phase", "Pending")


def _service(body: Json) -> None:
    spec = body.setdefault("spec", {})
    spec.setdefault("type", "ClusterIP")
    spec.setdefault("sessionAffinity", "None")
    if spec["type"] != "ExternalName":
        spec.setdefault("clusterIP", "127.0.0.1")
        spec.setdefault("clusterIPs", [spec["clusterIP"]])
        spec.setdefault("ipFamilies", ["IPv4"])
        spec.setdefault("ipFamilyPolicy", "SingleStack")
    for port in spec.get("ports") or ():
        port.setdefault("protocol", "TCP")
        port.setdefault("targetPort", port.get("port"))
    body.setdefault("status", {"loadBalancer": {}})


def _secret(body: Json) -> None:
    body.setdefault("type", "Opaque")
    plain = body.pop("stringData", None) or {}
    if plain:
        encoded = {key: base64.b64encode(str(value).encode()).decode() for key, value in plain.items()}
        body["data"] = {**(body.get("data") or {}), **encoded}


def _deployment(body: Json) -> None:
    spec = body["spec"]
    spec.setdefault("revisionHistoryLimit", 10)
    spec.setdefault("progressDeadlineSeconds", 600)
    strategy = spec.setdefault("strategy", {})
    if strategy.setdefault("type", "RollingUpdate") == "RollingUpdate":
        rolling = strategy.setdefault("rollingUpdate", {})
        rolling.setdefault("maxSurge", "25%")
        rolling.setdefault("maxUnavailable", "25%")


def _job(body: Json) -> None:
    spec = body["spec"]
    spec.setdefault("parallelism", 1)
    spec.setdefault("completions", 1)
    spec.setdefault("backoffLimit", 6)
    spec["template"]["spec"]["restartPolicy"] = spec["template"]["spec"].get("restartPolicy", "Never")


def _namespace(body: Json) -> None:
    body["metadata"].setdefault("labels", {})["kubernetes.io/metadata.name"] = body["metadata"]["name"]
    body.setdefault("spec", {}).setdefault("finalizers", ["kubernetes"])
    body.setdefault("status", {}).setdefault("phase", "Active")


_DEFAULTS = {
    "pods": _pod,
    "services": _service,
    "secrets": _secret,
    "deployments": _deployment,
    "jobs": _job,
    "namespaces": _namespace,
}


def mistake(plural: str, body: Json) -> str:
    """What is wrong with an object, `path: words` as in a 422; empty when nothing is."""
    return _name(plural, body) or _workload(plural, body) or _images(plural, body) or _other(plural, body)


def _name(plural: str, body: Json) -> str:
    name = body["metadata"].get("name")
    if name is None or plural in _ANY_NAME:
        return ""
    label = plural in ("namespaces", "services")
    pattern, rule, most = (_LABEL, _RULE_LABEL, 63) if label else (_SUBDOMAIN, _RULE_SUBDOMAIN, 253)
    if not isinstance(name, str) or not pattern.fullmatch(name):
        return f"metadata.name: Invalid value: {name!r}: {rule}"
    return f"metadata.name: Invalid value: {name!r}: must be no more than {most} characters" if len(name) > most else ""


def _workload(plural: str, body: Json) -> str:
    spec = body.get("spec") or {}
    if plural == "pods":
        return "" if spec.get("containers") else "spec.containers: Required value"
    if plural not in WORKLOADS:
        return ""
    template = spec.get("template") or {}
    if not (template.get("spec") or {}).get("containers"):
        return "spec.template.spec.containers: Required value"
    if plural == "jobs":
        policy = template["spec"].get("restartPolicy", "Never")
        supported = 'Unsupported value: "Always": supported values: "OnFailure", "Never"'
        return f"spec.template.spec.restartPolicy: {supported}" if policy == "Always" else ""
    labels = (template.get("metadata") or {}).get("labels")
    if not spec.get("selector"):
        return "" if plural == "replicationcontrollers" else "spec.selector: Required value"
    if not matches(spec["selector"], labels):
        return "spec.template.metadata.labels: Invalid value: `selector` does not match template `labels`"
    if int(spec.get("replicas") or 0) < 0:
        return "spec.replicas: Invalid value: must be greater than or equal to 0"
    return ""


def _images(plural: str, body: Json) -> str:
    # An image that windtunnel.toml does not describe is no mistake of the object: it is pulled in vain, later.
    if plural != "pods" and plural not in WORKLOADS:
        return ""
    for index, container in enumerate(containers_of(body)):
        if not container.get("name"):
            return f"spec.containers[{index}].name: Required value"
        if not container.get("image"):
            return f"spec.containers[{container.get('name')}].image: Required value"
    return ""


def _other(plural: str, body: Json) -> str:
    spec = body.get("spec") or {}
    if plural in ("networkchaos", "stresschaos"):
        try:
            milliseconds(spec.get("duration"))
            if plural == "networkchaos":
                network_fault(spec)
        except ValueError as error:
            return str(error)
    if plural == "podchaos" and spec.get("action") not in ("pod-kill", "pod-failure", "container-kill"):
        return f"spec.action: {spec.get('action')!r} is not one of pod-kill, pod-failure, container-kill"
    if plural == "stresschaos" and (wrong := stressors_wrong(spec)):
        return wrong
    if plural == "customresourcedefinitions":
        names = spec.get("names") or {}
        wanted = f"{names.get('plural')}.{spec.get('group')}"
        if body["metadata"].get("name") not in (None, wanted):
            return f'metadata.name: Invalid value: must be spec.names.plural+"."+spec.group, {wanted}'
        if not spec.get("versions") or not names.get("kind"):
            return "spec.versions: Required value"
    return ""


def beyond(plural: str, body: Json) -> str:
    """What an object asks for that means nothing to processes on loopback; empty when it means something."""
    spec = body.get("spec") or {}
    if plural == "iochaos":
        return "IOChaos: containers' files are this machine's own, and no call to them can be slowed or failed"
    if plural == "networkchaos" and spec.get("action") in ("duplicate", "reorder", "netem"):
        return f"NetworkChaos {spec['action']}: what passes an edge is a TCP stream, not packets"
    return ""


def image_problem(container: Json, spec: ClusterSpec) -> str:
    """Why a container cannot be started for want of its image; empty when it can."""
    if container.get("command"):
        return ""
    try:
        command_of(str(container.get("image", "")), spec.images, spec.config_file, list(container.get("args") or ()))
    except ConfigError as error:
        return f"{error.message}; {error.hint}" if error.hint else error.message
    return ""
