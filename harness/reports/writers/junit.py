"""junit.xml: a finding is a test case, a suite a test suite.

FAIL is a failure; INFRA and INCONCLUSIVE are errors, since nothing was decided; NOT_RUN is skipped.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

from harness.core.findings import Finding
from harness.core.verdict import Verdict
from harness.evidence.rundir import write_atomically
from harness.reports.registry import WRITERS
from harness.reports.view import View

_TAGS = {Verdict.FAIL: "failure", Verdict.INFRA: "error", Verdict.INCONCLUSIVE: "error", Verdict.NOT_RUN: "skipped"}
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@WRITERS.register("junit.xml")
def write(view: View, folder: Path) -> None:
    """Write junit.xml."""
    root = ET.Element("testsuites", name="windtunnel", time=f"{view.duration_s:.3f}")
    for suite in view.suites:
        mine = [finding for finding in view.findings if finding.suite == suite.name]
        node = ET.SubElement(
            root,
            "testsuite",
            name=suite.name,
            tests=str(len(mine)),
            failures=str(sum(f.verdict is Verdict.FAIL for f in mine)),
            errors=str(sum(f.verdict in (Verdict.INFRA, Verdict.INCONCLUSIVE) for f in mine)),
            skipped=str(sum(f.verdict is Verdict.NOT_RUN for f in mine)),
            time=f"{suite.seconds:.3f}",
            timestamp=view.started,
        )
        for finding in mine:
            _case(node, finding)
    ET.indent(root)
    text = ET.tostring(root, encoding="unicode")
    write_atomically(folder / "junit.xml", f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n')


def _case(node: ET.Element, finding: Finding) -> None:
    classname = ".".join(part for part in ("windtunnel", finding.suite, finding.scope) if part)
    case = ET.SubElement(node, "testcase", classname=_clean(classname), name=_clean(finding.id), time="0")
    tag = _TAGS.get(finding.verdict)
    if tag is None:
        return
    inner = ET.SubElement(case, tag, message=_clean(finding.summary[:500]), type=str(finding.verdict))
    lines = [finding.title, finding.summary, *(evidence.text for evidence in finding.evidence)]
    if finding.fix:
        lines.append(f"fix: {finding.fix}")
    if finding.replay:
        lines.append(f"replay: {finding.replay}")
    inner.text = _clean("\n".join(lines))


def _clean(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
