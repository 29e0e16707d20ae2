"""A real cluster opened for a run: its API and the target's services on loopback."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.cluster.kubeconfig import write_kubeconfig
from harness.cluster.leftovers import process_started
from harness.cluster.remote.forward import Forward
from harness.cluster.remote.kubectl import Kubectl, end
from harness.core.clock import Clock
from harness.core.config import Config
from harness.core.errors import ConfigError, InfraError

_SERVING = r"Starting to serve on 127\.0\.0\.1:(\d+)"


@dataclass(frozen=True)
class RemoteCluster:
    """Where the cluster's API and the target's services answer."""

    kube_api: str
    kubeconfig: str
    services: Mapping[str, str]
    grpc: Mapping[str, str]  # host:port


@contextmanager
def open_remote(config: Config, folder: Path, clock: Clock) -> Iterator[RemoteCluster]:
    """The cluster that [target.kubernetes] names, for as long as the block runs; it is looked at and not changed.

    Its API is behind `kubectl proxy`, so that whatever a kubeconfig says of logging in works, and a kubeconfig for that
    lies in `folder`. Services without a `url` are forwarded, or, inside of the cluster, called by their names.
    Raises ConfigError for a context that is not allowed, a namespace without the label, a service that is not there.
    """
    target, wanted = config.target, config.target.kubernetes
    kubectl = Kubectl(None if wanted.in_cluster else allowed_context(config), clock)
    check_namespace(kubectl, config)
    ports = {name: service_port(kubectl, config, name) for name, spec in target.services.items() if spec.url is None}
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        port = stack.enter_context(_proxy(kubectl, folder / "proxy.json"))
        urls: dict[str, str] = {}
        for name, service in ports.items():
            if wanted.in_cluster:
                urls[name] = f"http://{name}.{target.namespace}.svc:{service}"
            else:
                forward = Forward(kubectl, target.namespace, name, service)
                stack.callback(forward.close)
                urls[name] = forward.url
        grpc: dict[str, str] = {}
        for name, spec in target.services.items():
            if spec.grpc is None or spec.grpc.address is not None:
                grpc |= {name: spec.grpc.address} if spec.grpc is not None and spec.grpc.address else {}
            elif wanted.in_cluster:
                grpc[name] = f"{name}.{target.namespace}.svc:{spec.grpc.port}"
            else:
                forward = Forward(kubectl, target.namespace, name, spec.grpc.port)
                stack.callback(forward.close)
                grpc[name] = forward.url.removeprefix("http://")
        api = f"http://127.0.0.1:{port}"
        written = write_kubeconfig(folder / "kubeconfig", api, target.namespace)
        yield RemoteCluster(api, str(written), urls, grpc)


@contextmanager
def _proxy(kubectl: Kubectl, note: Path) -> Iterator[int]:
    """`kubectl proxy`; yields its port. It outlives a harness that is killed, since the watchdog's undo goes through
    it; what `note` says of such a one is ended by the next."""
    try:
        left = json.loads(note.read_text())
    except (OSError, ValueError):
        left = {}
    if left and process_started(left["pid"]) == left["started"]:
        os.kill(left["pid"], signal.SIGKILL)
    # exec goes through here, too; who is on this machine may use the same kubeconfig anyway.
    words = ["proxy", "--port=0", "--address=127.0.0.1", "--reject-paths=^$"]
    process, port = kubectl.listening(words, _SERVING, outlive=True)
    note.write_text(json.dumps({"pid": process.pid, "started": process_started(process.pid)}))
    try:
        yield port
    finally:
        end(process)
        note.unlink(missing_ok=True)


def allowed_context(config: Config) -> str:
    """The context that may be used. Raises ConfigError."""
    wanted = config.target.kubernetes
    if not wanted.context:
        raise ConfigError(
            "no context is named: what is current in a kubeconfig is never used",
            hint="set [target.kubernetes] context and allowed_contexts in windtunnel.toml",
        )
    if wanted.context not in wanted.allowed_contexts:
        raise ConfigError(
            f"context {wanted.context} is not allowed",
            hint=f'if it may be broken on purpose: [target.kubernetes] allowed_contexts = ["{wanted.context}"]',
        )
    return wanted.context


def check_namespace(kubectl: Kubectl, config: Config) -> None:
    """Raises ConfigError for a namespace that is not there or does not carry the label."""
    space, label = config.target.namespace, config.target.kubernetes.namespace_label
    try:
        labels = kubectl.get("namespace", space)["metadata"].get("labels") or {}
    except InfraError as error:
        raise ConfigError(error.message, hint=f"is {space} the namespace, and may you read it?") from None
    key, _, value = label.partition("=")
    if not key or key not in labels or (value and labels[key] != value):
        raise ConfigError(
            f"namespace {space} does not carry the label {label or '(none set)'}",
            hint=f"kubectl label namespace {space} {label}",
        )


def service_port(kubectl: Kubectl, config: Config, name: str) -> int:
    """The port at which a service is called: its first. Raises ConfigError where there is none."""
    try:
        ports = kubectl.get("service", name, "-n", config.target.namespace)["spec"].get("ports") or []
    except InfraError as error:
        hint = f"give it a url, or take it out of [target.services.{name}]"
        raise ConfigError(f"service {name}: {error.message}", hint=hint) from None
    if not ports:
        raise ConfigError(f"service {name} has no port", hint=f"give it a url under [target.services.{name}]")
    return int(ports[0]["port"])
