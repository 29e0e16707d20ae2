"""The end of a run on the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from harness.core.verdict import Verdict
from harness.evidence.rundir import RunDir
from harness.reports.view import view_of

STYLES = {
    Verdict.PASS: "green",
    Verdict.FAIL: "bold red",
    Verdict.INCONCLUSIVE: "yellow",
    Verdict.INFRA: "magenta",
    Verdict.NOT_RUN: "dim",
}
_MOST = 8


def print_verdicts(run: RunDir, console: Console) -> None:
    """A table of the suites' verdicts, the findings that are not PASS, and where the report is."""
    view = view_of(run)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("suite", "verdict", "findings"):
        table.add_column(heading, header_style="dim")
    for suite in view.suites:
        counts = ", ".join(f"{count} {word}" for word, count in suite.counts.items())
        table.add_row(suite.name, f"[{STYLES[suite.verdict]}]{suite.verdict}[/]", counts)
    console.print()
    console.print(table)
    open_ones = [finding for finding in view.findings if finding.verdict is not Verdict.PASS]
    for finding in open_ones[:_MOST]:
        console.print()
        console.print(
            f"[{STYLES[finding.verdict]}]{finding.verdict}[/] [bold]{escape(finding.title)}[/] [dim]{escape(finding.id)}[/]",
            soft_wrap=True,
            highlight=False,
        )
        console.print(f"  {escape(finding.summary[:600])}", soft_wrap=True, highlight=False)
        if finding.fix:
            console.print(f"  [green]fix[/] {escape(finding.fix)}", soft_wrap=True, highlight=False)
    if len(open_ones) > _MOST:
        console.print(f"\nand {len(open_ones) - _MOST} more in the report")
    console.print()
    if view.readiness is not None:
        told = f"readiness {view.readiness.holding} of {view.readiness.of}"
        console.print(f"{told} by this run alone; [cyan]windtunnel readiness[/cyan] says which", highlight=False)
    console.print(f"[{STYLES[view.verdict]}]{view.verdict}[/]  {run.path / 'report.html'}", soft_wrap=True, highlight=False)
