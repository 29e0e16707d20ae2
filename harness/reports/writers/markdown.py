"""summary.md: short enough for a comment on a pull request."""

from __future__ import annotations

from pathlib import Path

from harness.core.verdict import Verdict
from harness.evidence.rundir import write_atomically
from harness.reports.registry import WRITERS
from harness.reports.view import View

_MOST = 10


@WRITERS.register("summary.md")
def write(view: View, folder: Path) -> None:
    """Write summary.md."""
    lines = [f"## Windtunnel: {view.verdict}", "", f"`{view.target}`, seed {view.seed}, {view.duration_s:.0f} s", ""]
    lines += ["| suite | verdict | findings |", "|---|---|---|"]
    for suite in view.suites:
        counts = ", ".join(f"{count} {word}" for word, count in suite.counts.items())
        lines.append(f"| {suite.name} | {suite.verdict} | {counts} |")
    open_ones = [finding for finding in view.findings if finding.verdict is not Verdict.PASS]
    if open_ones:
        lines += ["", "### What to look at", ""]
        for finding in open_ones[:_MOST]:
            lines.append(f"- **{finding.verdict}** {flat(finding.title)}: {flat(finding.summary)[:300]}")
            if finding.fix:
                lines.append(f"  Fix: {flat(finding.fix)[:300]}")
        if len(open_ones) > _MOST:
            lines.append(f"- and {len(open_ones) - _MOST} more in report.html")
    write_atomically(folder / "summary.md", "\n".join(lines) + "\n")


def flat(text: str) -> str:
    """One line, in which nothing of the evidence acts as markup."""
    text = " ".join(text.split())
    for character in "\\`*_{}[]<>|#":
        text = text.replace(character, "\\" + character)
    return text
