"""readiness.md and readiness.svg: the checklist as a table, and its score as a badge for a README."""

from __future__ import annotations

from pathlib import Path

from harness.evidence.readiness import Decided
from harness.evidence.rundir import write_atomically
from harness.reports.registry import WRITERS
from harness.reports.view import View
from harness.reports.writers.markdown import flat

_GREEN, _AMBER, _RED = "#2e7d32", "#8a5a00", "#b3261e"
_BADGE = """<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img" aria-label="{label}">
<title>{label}</title>
<rect width="76" height="20" rx="3" fill="#333"/><rect x="70" width="{rest}" height="20" rx="3" fill="{colour}"/>
<rect x="70" width="6" height="20" fill="{colour}"/>
<g fill="#fff" text-anchor="middle" font-family="Verdana,Geneva,sans-serif" font-size="11">
<text x="36" y="14">readiness</text><text x="{middle}" y="14">{text}</text></g></svg>
"""


@WRITERS.register("readiness.md")
def write(view: View, folder: Path) -> None:
    """Write both where the run has a checklist."""
    if view.readiness is None:
        return
    write_atomically(folder / "readiness.md", table(view.readiness))
    write_atomically(folder / "readiness.svg", badge(view.readiness))


def table(result: Decided) -> str:
    """The checklist in Markdown."""
    lines = [f"## Readiness: {result.holding} of {result.of}", "", f"Gate: {result.gate}", ""]
    lines += ["| item | | verdict | what shows it |", "|---|---|---|---|"]
    for item in result.items:
        verdict = f"{item.verdict}, waived" if item.waived else str(item.verdict)
        lines.append(f"| {item.id} | {flat(item.title)} | {verdict} | {flat(item.waived or item.summary)[:300]} |")
    return "\n".join(lines) + "\n"


def badge(result: Decided) -> str:
    """The score as an SVG image that needs nothing from elsewhere."""
    text = f"{result.holding}/{result.of}"
    failing = any(item.verdict == "FAIL" and not item.waived for item in result.items)
    colour = _RED if failing else _GREEN if result.holding == result.of else _AMBER
    rest = 12 + 8 * len(text)
    label = f"readiness: {result.holding} of {result.of}"
    return _BADGE.format(width=70 + rest, rest=rest, colour=colour, middle=70 + rest / 2, text=text, label=label)
