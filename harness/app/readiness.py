"""`windtunnel readiness`: the checklist, decided by the evidence of runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from harness.app.workspace import Workspace, open_workspace
from harness.core.clock import Clock, RealClock
from harness.core.config import Config
from harness.core.events import RunStarted
from harness.core.verdict import Verdict, exit_code
from harness.evidence.readiness import Decided
from harness.evidence.rundir import RunDir
from harness.readiness.checklist import decide
from harness.readiness.evidence import basis_of, earlier_runs
from harness.readiness.result import decided, keep
from harness.reports import write_reports
from harness.reports.console import STYLES

EVERY_SUITE = frozenset(("contracts", "scenarios", "load", "chaos"))


def checklist(runs: Sequence[RunDir], config: Config, clock: Clock, patterns: Sequence[str] = ()) -> Decided:
    """The items decided by `runs`, newest first, and the manifests. Raises ConfigError."""
    rows = decide(basis_of(runs, config), config.readiness.waivers, clock.wall().date())
    used = {name for row in rows for name in row.ruling.runs}
    return decided(rows, patterns or config.readiness.require, sorted(used, reverse=True))


def check_settings(suites: Sequence[str], config: Config, clock: Clock) -> None:
    """Raises ConfigError for a [readiness] that could not be decided by, before a run whose end it would spoil."""
    if set(suites) >= EVERY_SUITE:
        checklist([], config, clock)


def keep_with(run: RunDir, config: Config, clock: Clock) -> None:
    """Put the checklist beside a run of every suite, as far as that run alone decides it."""
    suites = next((event.body.suites for event in run.starts() if isinstance(event.body, RunStarted)), ())
    if set(suites) >= EVERY_SUITE:
        keep(run.path, checklist([run], config, clock))


def readiness_command(
    config: Path | None, items: Sequence[str], sources: Sequence[str], require: Sequence[str], *, as_json: bool
) -> int:
    """Decide, print and keep; the exit code is that of the items that are required."""
    workspace = open_workspace(config)
    runs = _runs(workspace, sources)
    result = checklist(runs, workspace.config, RealClock(), [*items, *require])
    console = Console()
    if runs:
        keep(runs[0].path, result)
        write_reports(runs[0])
    if as_json:
        print(result.model_dump_json(indent=1))
    else:
        show(result, runs, console, chosen=bool(items))
    return exit_code(result.gate)


def _runs(workspace: Workspace, sources: Sequence[str]) -> list[RunDir]:
    if sources:
        found = [workspace.run(source) for source in sources]
        return sorted(found, key=lambda run: run.meta.started, reverse=True)
    return earlier_runs(workspace.reports, workspace.config.target.name)


def show(result: Decided, runs: Sequence[RunDir], console: Console, *, chosen: bool) -> None:
    """The checklist on a terminal: every item, and what to do about those that do not hold."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("item", "verdict", "what shows it"):
        table.add_column(heading, header_style="dim", overflow="fold")
    area = ""
    for item in result.items:
        if chosen and not item.required:
            continue
        if item.area != area:
            area = item.area
            table.add_row(f"[bold]{area}[/]", "", "")
        style = STYLES[item.verdict]
        word = str(item.verdict).replace("_", " ")
        said = item.waived or item.summary
        table.add_row(
            item.id,
            f"[{style}]{word}[/]" + (" [dim]waived[/]" if item.waived else ""),
            f"{escape(item.title)}\n[dim]{escape(said[:240])}[/]"
            + (f"\n[green]fix[/] {escape(item.fix)}" if item.fix and item.verdict is Verdict.FAIL else ""),
        )
    console.print(table)
    console.print()
    if not runs:
        console.print(
            "[yellow]no run of this target was found[/yellow]; [cyan]windtunnel verify[/cyan] makes the evidence"
        )
    else:
        console.print(f"evidence of {len(result.runs)} run(s), kept in {escape(str(runs[0].path))}", soft_wrap=True)
    console.print(
        f"[bold]{result.holding} of {result.of}[/] hold by evidence; gate [{STYLES[result.gate]}]{result.gate}[/]",
        highlight=False,
    )
