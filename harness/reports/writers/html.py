"""report.html: one self-contained file that a person wants to open."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from harness.core.findings import Finding
from harness.core.verdict import Verdict, exit_code
from harness.evidence.rundir import write_atomically
from harness.reports.registry import WRITERS
from harness.reports.view import View

MEANING = {
    Verdict.PASS: "Everything that was checked held, with evidence.",
    Verdict.FAIL: "At least one promise was seen broken.",
    Verdict.INCONCLUSIVE: "Something could not be decided: evidence is missing or not to be trusted.",
    Verdict.INFRA: "The harness or its surroundings failed; this says nothing about the target.",
    Verdict.NOT_RUN: "Something that was asked for did not run.",
}
_PASSED_SHOWN = 400  # evidence of passed findings beyond this many would make the file heavy


@WRITERS.register("report.html")
def write(view: View, folder: Path) -> None:
    """Write report.html."""
    write_atomically(folder / "report.html", render(view))


def render(view: View) -> str:
    """The page. Evidence may hold hostile text: everything is escaped, in HTML and in the embedded data."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["slug"] = lambda text: str(text).lower().replace("_", "-")
    template = environment.from_string(_file("templates/report.html.j2"))
    return template.render(
        view=view,
        meaning=MEANING[view.verdict],
        exit_code=exit_code(view.verdict),
        minutes=f"{int(view.duration_s) // 60}:{int(view.duration_s) % 60:02d}",
        open_findings=[f for f in view.findings if f.verdict is not Verdict.PASS],
        passed=_by_scope([f for f in view.findings if f.verdict is Verdict.PASS][:_PASSED_SHOWN]),
        data=Markup(_data(view)),
        style=Markup(_file("vendor/uPlot.min.css") + _file("templates/report.css")),
        script=Markup(_file("vendor/uPlot.iife.min.js") + "\n" + _file("templates/report.js")),
    )


def _by_scope(findings: list[Finding]) -> list[tuple[str, list[Finding]]]:
    groups: dict[str, list[Finding]] = {}
    for finding in findings:
        groups.setdefault(" / ".join(part for part in (finding.suite, finding.scope) if part), []).append(finding)
    return sorted(groups.items())


def _data(view: View) -> str:
    """The timeline as JSON that cannot end the script element it stands in."""
    rows: dict[str, Any] = {
        "t": [row.t for row in view.timeline],
        "arrivals": [row.arrivals for row in view.timeline],
        "errors": [row.errors for row in view.timeline],
        "p50": [row.p50 for row in view.timeline],
        "p99": [row.p99 for row in view.timeline],
        "bands": [
            {"kind": band.kind, "label": band.label, "start": band.start, "end": band.end, "witnessed": band.witnessed}
            for band in view.bands
        ],
        "gauges": [{"label": line.label, "values": line.values} for line in view.gauges],
        "marks": [{"t": mark.t, "label": mark.label} for mark in view.marks],
    }
    return json.dumps(rows, separators=(",", ":")).replace("<", "\\u003c").replace("&", "\\u0026")


def _file(name: str) -> str:
    return resources.files("harness.reports").joinpath(name).read_text()
