"""The written files: valid, whole, and safe with whatever a target answered."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

from harness.evidence.rundir import RunDir
from harness.reports import write_reports

from .conftest import HOSTILE


class Page(HTMLParser):
    """The elements and the links of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.scripts = 0
        self.outside: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.scripts += tag == "script"
        self.outside += [
            str(value) for name, value in attrs if name in ("src", "href") and not str(value).startswith("#")
        ]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_is_self_contained_and_nothing_of_the_evidence_acts_as_markup(run: RunDir) -> None:
    write_reports(run)
    text = (run.path / "report.html").read_text()
    page = Page(text)
    assert page.outside == []
    assert not re.search(r"@import|url\(\s*['\"]?https?:", text)
    assert "<script>alert(1)" not in text
    assert "alert(1)</script> & `tick`" in page.text  # it is shown, as text
    without = HOSTILE.replace("</script><script>alert(1)</script>", "")
    quiet = [f.model_copy(update={"title": "x", "summary": without, "evidence": ()}) for f in run.findings()]
    run.write_findings(quiet)
    write_reports(run)
    assert page.scripts == Page((run.path / "report.html").read_text()).scripts


def test_junit_is_xml_and_counts_each_verdict_once(run: RunDir) -> None:
    write_reports(run)
    root = ET.parse(run.path / "junit.xml").getroot()
    counts = {s.get("name"): (s.get("failures"), s.get("errors"), s.get("skipped")) for s in root}
    assert counts == {
        "chaos": ("1", "1", "0"),
        "contracts": ("0", "0", "0"),
        "load": ("0", "1", "0"),
        "scenarios": ("0", "0", "1"),
    }
    [failure] = root.iter("failure")
    assert "mend chaos/kill/lost" in str(failure.text) and "windtunnel chaos --seed 7" in str(failure.text)


def test_the_summary_escapes_what_markdown_would_act_on(run: RunDir) -> None:
    write_reports(run)
    text = (run.path / "summary.md").read_text()
    assert text.startswith("## Windtunnel: FAIL")
    assert "<script>" not in text.replace("\\<script\\>", "")
    assert "| chaos | FAIL | 1 FAIL, 1 INFRA |" in text


def test_run_json_holds_the_whole_view(run: RunDir) -> None:
    write_reports(run)
    data = json.loads((run.path / "run.json").read_text())
    assert data["verdict"] == "FAIL" and data["seed"] == 7
    assert [row["id"] for row in data["findings"]][0] == "chaos/kill/lost"
    assert len(data["timeline"]) == 3


def test_reports_made_again_are_the_same(run: RunDir) -> None:
    names = ("report.html", "junit.xml", "summary.md", "run.json")
    write_reports(run)
    first = {name: (run.path / name).read_bytes() for name in names}
    write_reports(run)
    assert {name: (run.path / name).read_bytes() for name in names} == first
