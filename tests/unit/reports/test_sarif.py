"""findings.sarif, held to the rules of SARIF 2.1.0 that readers rely on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.core.clock import ManualClock
from harness.core.events import Check, RunStarted, SuiteStarted
from harness.core.findings import CHECKERS, judge
from harness.core.verdict import Verdict
from harness.evidence.rundir import RunDir
from harness.reports import write_reports


@pytest.fixture
def log(tmp_path: Path) -> dict[str, object]:
    clock = ManualClock()
    run = RunDir.create(tmp_path, clock=clock, seed=1)
    with run.recorder("run", clock) as recorder:
        recorder.emit(
            RunStarted(target="t", target_kind="local", suites=("scenarios",), seed=1, version="1.2.3", command="w")
        )
        files = {"mail": "scenarios/deep/mail.yaml"}
        recorder.emit(SuiteStarted(suite="scenarios", expects=("mail",), files=files), suite="scenarios")
        for check, outcome in (("then.1.status", "fail"), ("then.2.status", "pass"), ("then.3.effects", "infra")):
            body = Check(check=check, subject="mail", title="a mail is sent", outcome=outcome, detail="twice", fix="once")  # type: ignore[arg-type]
            recorder.emit(body, suite="scenarios", scope="mail")
        body = Check(check="tasks.terminal", subject="POST /tasks", title="t", outcome="fail", replay="curl x")
        recorder.emit(body, suite="contracts", scope="agent/tasks")
    CHECKERS.discover("harness.checkers")
    run.write_findings(judge(run.events()))
    write_reports(run)
    found: dict[str, object] = json.loads((run.path / "findings.sarif").read_text())
    return found


def test_what_holds_is_no_result_and_each_other_names_its_rule_its_file_and_its_fix(log: dict) -> None:  # type: ignore[type-arg]
    (one,) = log["runs"]
    assert one["invocations"][0]["executionSuccessful"] is False  # the harness could not carry out one check
    rules = [rule["id"] for rule in one["tool"]["driver"]["rules"]]
    assert len(set(rules)) == len(rules)
    rows = {row["locations"][0]["logicalLocations"][0]["fullyQualifiedName"]: row for row in one["results"]}
    assert all(row["ruleId"] == rules[row["ruleIndex"]] and row["message"]["text"] for row in one["results"])
    status = rows["scenarios/mail/then.1.status/mail"]
    assert (status["ruleId"], status["level"]) == ("scenarios/status", "error")
    assert status["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "scenarios/deep/mail.yaml"
    assert "Fix: once" in status["message"]["text"]
    assert rows["scenarios/mail/then.3.effects/mail"]["level"] == "warning"
    terminal = rows["contracts/agent/tasks/tasks.terminal/POST /tasks"]
    assert terminal["ruleId"] == "contracts/tasks.terminal" and "See it again: curl x" in terminal["message"]["text"]
    assert terminal["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "windtunnel.toml"
    assert "scenarios/mail/then.2.status/mail" not in rows


def test_fingerprints_tell_results_apart_and_are_the_same_in_the_next_run(log: dict) -> None:  # type: ignore[type-arg]
    prints = [row["partialFingerprints"]["windtunnelFinding/v1"] for row in log["runs"][0]["results"]]
    assert len(set(prints)) == len(prints)
    assert all(len(each) == 64 for each in prints)
    assert log["version"] == "2.1.0" and Verdict.PASS not in json.dumps(log["runs"][0]["results"])
