"""findings.sarif: SARIF 2.1.0, for code scanning: a finding that does not hold is a result at the file that asked.

A rule is a kind of check (`scenarios/status`, `contracts/tasks.terminal`), so that a tool counts and mutes by kind; the
fingerprint is the finding's own id, so that a result is known again in the next run.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from harness.core.findings import Finding
from harness.core.verdict import Verdict
from harness.evidence.rundir import write_atomically
from harness.reports.registry import WRITERS
from harness.reports.view import View

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
CONFIG = "windtunnel.toml"
_LEVELS = {
    Verdict.FAIL: "error",
    Verdict.INFRA: "warning",
    Verdict.INCONCLUSIVE: "warning",
    Verdict.NOT_RUN: "note",
}


@WRITERS.register("findings.sarif")
def write(view: View, folder: Path) -> None:
    """Write findings.sarif."""
    write_atomically(folder / "findings.sarif", json.dumps(sarif(view), indent=1) + "\n")


def sarif(view: View) -> dict[str, Any]:
    """The log as data; paths are relative to the folder of windtunnel.toml."""
    left = [finding for finding in view.findings if finding.verdict is not Verdict.PASS]
    rules = {rule_of(finding): finding for finding in reversed(left)}
    order = {rule: index for index, rule in enumerate(sorted(rules))}
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "Windtunnel",
                        "semanticVersion": view.version,
                        "rules": [_rule(rule, rules[rule]) for rule in order],
                    }
                },
                "automationDetails": {"id": f"windtunnel/{view.target}/{view.run_id}"},
                "invocations": [
                    {
                        "commandLine": view.command,
                        "executionSuccessful": all(finding.verdict is not Verdict.INFRA for finding in left),
                        "startTimeUtc": view.started,
                    }
                ],
                "columnKind": "utf16CodeUnits",
                "originalUriBaseIds": {"SRCROOT": {"description": {"text": f"The folder of {CONFIG}."}}},
                "results": [_result(view, finding, order) for finding in left],
            }
        ],
    }


def rule_of(finding: Finding) -> str:
    """The kind of check that a finding is of: its suite, and the check's name without the subject or the number."""
    parts = finding.id.removeprefix(f"{finding.suite}/").removeprefix(f"{finding.scope}/").split("/")
    name = parts[0] or finding.checker or finding.suite
    words = [word for word in name.split(".") if word != "then" and not word.isdigit()]
    return f"{finding.suite}/{'.'.join(words) or name}"


def _rule(rule: str, finding: Finding) -> dict[str, Any]:
    suite, _, name = rule.partition("/")
    return {
        "id": rule,
        "shortDescription": {"text": f"{suite}: {name}"},
        "defaultConfiguration": {"level": _LEVELS[finding.verdict]},
        "properties": {"tags": [suite]},
    }


def _result(view: View, finding: Finding, order: dict[str, int]) -> dict[str, Any]:
    rule = rule_of(finding)
    lines = [f"{finding.verdict}: {finding.title}", finding.summary, *_said("Fix", finding.fix)]
    lines += _said("See it again", finding.replay)
    return {
        "ruleId": rule,
        "ruleIndex": order[rule],
        "level": _LEVELS[finding.verdict],
        "message": {"text": "\n".join(lines)},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": file_of(view, finding), "uriBaseId": "SRCROOT"},
                    "region": {"startLine": 1},
                },
                "logicalLocations": [{"fullyQualifiedName": finding.id, "kind": "resource"}],
            }
        ],
        "partialFingerprints": {"windtunnelFinding/v1": hashlib.sha256(finding.id.encode()).hexdigest()},
        "properties": {"verdict": str(finding.verdict), "scope": finding.scope, "checker": finding.checker},
    }


def file_of(view: View, finding: Finding) -> str:
    """The file that asked for what a finding is about: its scenario, experiment or profile, else windtunnel.toml."""
    files = view.files.get(finding.suite, {})
    return files.get(finding.scope, CONFIG)


def _said(word: str, text: str) -> Iterable[str]:
    return [f"{word}: {text}"] if text else []

