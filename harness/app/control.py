"""`windtunnel chaos --control`: does an experiment turn red when the target is unfit?"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from harness.app.commands import execute
from harness.app.interrupt import EXIT_INTERRUPTED
from harness.app.judgement import Judged
from harness.app.verify import Request
from harness.app.workspace import Workspace, open_workspace
from harness.chaos.experiment import Experiment, find
from harness.core.errors import EXIT_FAIL, EXIT_NOT_UNDONE, EXIT_PASS, EXIT_UNDECIDED, ConfigError
from harness.core.findings import Finding
from harness.core.verdict import Verdict
from harness.reports.console import STYLES


@dataclass(frozen=True)
class Controlled:
    """One experiment against its unfit target: PASS when it turned red, FAIL when it stayed green."""

    experiment: str
    verdict: Verdict
    shown: str


def control_command(config: Path | None, names: Sequence[str], *, command: str, seed: int | None) -> int:
    """Run every named experiment's control, one after the other; 0 when all turn red. Raises ConfigError."""
    workspace = open_workspace(config)
    if workspace.config.target.kind != "local":
        raise ConfigError(
            "a control needs a target that can be started unfit",
            file=workspace.file,
            hint='kind = "local": the harness starts it with the environment that the experiment names',
        )
    chosen = _chosen(workspace, names)
    console = Console()
    rows: list[Controlled] = []
    for experiment in chosen:
        said = ", ".join(f"{name}={value}" for name, value in experiment.extension.control.items())
        console.print(f"[bold]{experiment.name}[/] with {escape(said)}", highlight=False)
        request = Request(
            suites=("chaos",),
            command=command,
            seed=workspace.config.seed if seed is None else seed,
            only={"chaos": (experiment.name,)},
        )
        judged, signals = asyncio.run(execute(unfit(workspace, experiment), request, console, shared=False))
        if judged is None or signals:
            console.print("[yellow]stopped[/yellow]")
            return EXIT_INTERRUPTED
        if judged.exit_code == EXIT_NOT_UNDONE:
            return EXIT_NOT_UNDONE
        rows.append(controlled(experiment.name, judged))
    _print(rows, console)
    if any(row.verdict is Verdict.FAIL for row in rows):
        return EXIT_FAIL
    return EXIT_PASS if all(row.verdict is Verdict.PASS for row in rows) else EXIT_UNDECIDED


def _chosen(workspace: Workspace, names: Sequence[str]) -> list[Experiment]:
    folder = workspace.config.path(workspace.config.suites.chaos.path)
    found = find(folder, names)
    without = [experiment.name for experiment in found if not experiment.extension.control]
    if names and without:
        raise ConfigError(
            f"{', '.join(without)} names no control",
            file=folder / f"{without[0]}.yaml",
            hint="add `control: {VARIABLE: value}` to its extension: what makes the target unfit",
        )
    chosen = [experiment for experiment in found if experiment.extension.control]
    if not chosen:
        raise ConfigError(f"no experiment in {folder} names a control", hint="docs/chaos.md shows how")
    return chosen


def unfit(workspace: Workspace, experiment: Experiment) -> Workspace:
    """The workspace whose every local workload has the environment that the experiment's control names."""
    config = workspace.config
    env = {**config.target.local.env, "*": {**config.target.local.env.get("*", {}), **experiment.extension.control}}
    local = config.target.local.model_copy(update={"env": env})
    target = config.target.model_copy(update={"local": local})
    return Workspace(workspace.file, config.model_copy(update={"target": target}))


def controlled(name: str, judged: Judged) -> Controlled:
    """What the control came to. Only a FAIL of the experiment's own counts: trouble of the harness's is no red."""
    mine: list[Finding] = [finding for finding in judged.findings if (finding.suite, finding.scope) == ("chaos", name)]
    red = [finding for finding in mine if finding.verdict is Verdict.FAIL]
    if red:
        return Controlled(name, Verdict.PASS, f"{red[0].title}: {red[0].summary}")
    if mine and all(finding.verdict is Verdict.PASS for finding in mine):
        return Controlled(name, Verdict.FAIL, f"every finding holds: it proves nothing ({judged.run.path})")
    left = next((finding for finding in mine if finding.verdict is not Verdict.PASS), None)
    return Controlled(name, Verdict.INCONCLUSIVE, left.summary if left else f"no evidence ({judged.run.path})")


def _print(rows: Sequence[Controlled], console: Console) -> None:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("experiment", "control", "what it saw"):
        table.add_column(heading, header_style="dim", overflow="fold")
    words = {Verdict.PASS: "turned red", Verdict.FAIL: "stayed green"}
    for row in rows:
        word = words.get(row.verdict, "undecided")
        table.add_row(row.experiment, f"[{STYLES[row.verdict]}]{word}[/]", escape(row.shown[:300]))
    console.print()
    console.print(table)
