"""What each command does, from its arguments to its exit code."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from harness.app.interrupt import EXIT_INTERRUPTED, graceful_stop
from harness.app.judgement import Judged, judge_run
from harness.app.progress import ConsoleProgress
from harness.app.stack import Stack, cluster_status, open_stack, start_detached, stop_detached
from harness.app.verify import Request, run_suites
from harness.app.workspace import Workspace, open_workspace
from harness.core.clock import RealClock
from harness.core.config import Config
from harness.core.errors import EXIT_NOT_UNDONE, EXIT_PASS, EXIT_UNDECIDED
from harness.evidence.rundir import RunDir
from harness.reports.console import print_verdicts
from harness.targets.suite import Suite

SUITE_ORDER = ("contracts", "scenarios", "load", "chaos")


def _suites() -> Mapping[str, Callable[[], Suite]]:
    """Each suite's constructor, imported only when it is run: they bring heavy libraries."""

    def contracts() -> Suite:
        from harness.contracts.suite import ContractsSuite

        return ContractsSuite()

    def scenarios() -> Suite:
        from harness.scenarios.suite import ScenariosSuite

        return ScenariosSuite()

    def load() -> Suite:
        from harness.load.suite import LoadSuite

        return LoadSuite()

    def chaos() -> Suite:
        from harness.chaos.suite import ChaosSuite

        return ChaosSuite()

    return {"contracts": contracts, "scenarios": scenarios, "load": load, "chaos": chaos}


def run_command(
    config: Path | None,
    suites: tuple[str, ...],
    *,
    command: str,
    seed: int | None,
    only: Mapping[str, tuple[str, ...]] | None = None,
    quick: bool = False,
    kind: str | None = None,
) -> int:
    """Run `suites` and print the verdicts; the exit code is that of the run. `kind` aims at another kind of target
    than windtunnel.toml does."""
    workspace = open_workspace(config).aimed_at(kind)
    request = Request(
        suites=suites,
        command=command,
        seed=workspace.config.seed if seed is None else seed,
        only=only or {},
        quick=quick,
    )
    console = Console()
    judged, signals = asyncio.run(execute(workspace, request, console))
    if judged is None:
        console.print("[yellow]stopped before anything was run[/yellow]")
        return EXIT_INTERRUPTED if signals else EXIT_UNDECIDED
    print_verdicts(judged.run, console)
    return judged.exit_code


async def execute(
    workspace: Workspace, request: Request, console: Console, *, shared: bool = True
) -> tuple[Judged | None, list[str]]:
    """Run what was asked for; the judged run (None when nothing was begun) and the signals that came. Unless `shared`,
    on a cluster of its own."""
    clock = RealClock()
    progress = ConsoleProgress(console, clock)
    stop = asyncio.Event()
    heal_leftovers(workspace, progress.line)
    try:
        with graceful_stop(stop) as signals:
            async with open_stack(workspace, progress=progress, stop=stop, clock=clock, shared=shared) as stack:
                if stop.is_set():
                    return None, signals
                judged = await run_suites(
                    workspace,
                    request,
                    stack.target,
                    suites=_suites(),
                    tiers=stack.tiers,
                    clock=clock,
                    progress=progress,
                    stop=stop,
                )
            return judged, signals
    finally:
        progress.close()


def heal_leftovers(workspace: Workspace, say: Callable[[str], None]) -> None:
    """Undo what an earlier run left, before a new one measures anything."""
    from harness.faults.heal import heal

    report = heal(workspace.state)
    for line in report.undone:
        say(f"[yellow]undone from an earlier run:[/yellow] {escape(line)}")


def up_command(config: Path | None, *, detach: bool) -> int:
    """Start the cluster; in the foreground until Ctrl-C, or detached."""
    workspace = open_workspace(config)
    console = Console()
    if detach:
        progress = ConsoleProgress(console, RealClock())
        try:
            start_detached(workspace, progress)
        finally:
            progress.close()
        return status_command(config, as_json=False)
    return asyncio.run(_up(workspace, console))


async def _up(workspace: Workspace, console: Console) -> int:
    clock = RealClock()
    progress = ConsoleProgress(console, clock)
    stop = asyncio.Event()
    try:
        with graceful_stop(stop):
            async with open_stack(workspace, progress=progress, stop=stop, clock=clock) as stack:
                _print_stack(stack, console)
                console.print("running; Ctrl-C stops it")
                await stop.wait()
    finally:
        progress.close()
    return EXIT_PASS


def _print_stack(stack: Stack, console: Console) -> None:
    for service in stack.target.services.values():
        console.print(f"  {escape(service.name):24} {service.url}", highlight=False)
    if stack.target.kube_api:
        console.print(f"  {'kube_api':24} {stack.target.kube_api}", highlight=False)


def down_command(config: Path | None) -> int:
    """Stop a detached cluster; stopping none is no error."""
    workspace = open_workspace(config)
    stopped = stop_detached(workspace)
    Console().print("stopped" if stopped else "nothing was running")
    return EXIT_PASS


def status_command(config: Path | None, *, as_json: bool) -> int:
    """Print what runs; exit code 2 when nothing does."""
    workspace = open_workspace(config)
    status = cluster_status(workspace)
    console = Console()
    if as_json:
        print(json.dumps(status, indent=2))
    elif not status["running"]:
        console.print("nothing is running; `windtunnel up --detach` starts the cluster")
    else:
        for name, url in status["services"].items():
            console.print(f"{escape(name):24} {url}", highlight=False)
        console.print(f"{'kube_api':24} {status['kube_api']}", highlight=False)
        console.print(f"{'kubeconfig':24} {status['kubeconfig']}", highlight=False, soft_wrap=True)
        for pod in status["pods"]:
            console.print(f"  {escape(pod['name']):44} {pod['phase']:10} ready={pod['ready']}", highlight=False)
    return EXIT_PASS if status["running"] else EXIT_UNDECIDED


def _brought(config: Path | None, name: str) -> tuple[RunDir, Config | None]:
    """A run by its name, with its windtunnel.toml; one that is given by path needs none."""
    if config is None and os.path.isdir(name):
        return RunDir.open(Path(name)), None
    workspace = open_workspace(config)
    return workspace.run(name), workspace.config


def report_command(config: Path | None, name: str) -> int:
    """Judge a run anew; a run directory given by path needs no windtunnel.toml."""
    run, settings = _brought(config, name)
    judged = judge_run(run, config=settings)
    print_verdicts(judged.run, Console())
    return judged.exit_code


def diff_command(config: Path | None, before: str, after: str) -> int:
    """Print in Markdown what changed from one run to another; 1 when something fails that did not before."""
    from harness.core.verdict import exit_code
    from harness.reports.difference import differences, markdown, regressed

    (old, _), (new, _) = _brought(config, before), _brought(config, after)
    changes = differences(old.findings(), new.findings())
    print(markdown(changes, old.meta.run_id, new.meta.run_id), end="")
    return exit_code(regressed(changes))


def schema_command() -> int:
    """Print the JSON Schema of a line of events.ndjson."""
    from harness.core.events import Event

    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Event.model_json_schema()}
    print(json.dumps(schema, indent=1))
    return EXIT_PASS


def heal_command(config: Path | None) -> int:
    """Undo every fault on record; 3 when one cannot be undone."""
    from harness.faults.heal import heal

    workspace = open_workspace(config)
    report = heal(workspace.state)
    console = Console()
    for line in report.undone:
        console.print(f"undone: {escape(line)}", highlight=False)
    for line in report.failed:
        console.print(f"[red]not undone:[/red] {escape(line)}", highlight=False)
    if not report.undone and not report.failed:
        console.print("nothing to undo")
    return EXIT_NOT_UNDONE if report.failed else EXIT_PASS
