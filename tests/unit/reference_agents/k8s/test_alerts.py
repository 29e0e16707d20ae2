"""The alert rules: each fires under what it is for, and clears; the cluster gets the very same."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

import reference_agents
from reference_agents.common.metrics import Metrics

K8S = Path(reference_agents.__file__).parent / "k8s"
RULES, TESTS = K8S / "alerts" / "rules.yaml", K8S / "alerts" / "rules.test.yaml"
NAMES = ("AgentHighErrorRate", "AgentLatencyHigh", "AgentRunawayTask", "DLQGrowing", "LLMTokenCostSpike")
needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="NO ALERT RULE IS TESTED: promtool is missing (apt-get install prometheus)"
)


def rules() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(RULES.read_text())
    return document


def by_name(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {rule["alert"]: rule for group in document["groups"] for rule in group["rules"]}


def promtool(folder: Path) -> subprocess.CompletedProcess[str]:
    command = ["promtool", "test", "rules", TESTS.name]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)


def test_there_is_a_rule_for_each_trouble_and_a_word_on_what_to_do() -> None:
    found = by_name(rules())
    assert sorted(found) == sorted(NAMES)
    for rule in found.values():
        assert {"summary", "runbook"} <= rule["annotations"].keys() and rule["labels"]["severity"] and rule["for"]


def test_the_clusters_object_holds_the_same_rules() -> None:
    body = yaml.safe_load((K8S / "cluster" / "alerts.yaml").read_text())
    assert (body["kind"], body["spec"]) == ("PrometheusRule", rules())


def test_the_rules_read_metrics_that_the_agents_have() -> None:
    metrics = Metrics("search")
    metrics.tokens.labels("search", "m", "prompt").inc()
    there = {line.split("{")[0].split(" ")[0] for line in metrics.exposition().decode().splitlines()} | {"dlq_depth"}
    for rule in by_name(rules()).values():
        words = "".join(c if c.isalnum() or c == "_" else " " for c in rule["expr"]).split()
        read = {word for word in words if word.startswith(("agent_", "dlq_"))}
        assert read and read <= there


@needs_promtool
def test_every_rule_fires_and_clears() -> None:
    done = promtool(TESTS.parent)
    assert done.returncode == 0, done.stdout + done.stderr
    tested = yaml.safe_load(TESTS.read_text())["tests"]
    fires = {row["alertname"] for test in tested for row in test["alert_rule_test"] if row.get("exp_alerts")}
    assert fires == set(NAMES)


@needs_promtool
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("expr", ["vector(0) > 1", "vector(1)"])
def test_a_rule_that_never_or_always_fires_fails_its_test(tmp_path: Path, name: str, expr: str) -> None:
    document = rules()
    by_name(document)[name]["expr"] = expr
    (tmp_path / RULES.name).write_text(yaml.safe_dump(document))
    (tmp_path / TESTS.name).write_text(TESTS.read_text())
    done = promtool(tmp_path)
    assert done.returncode == 1 and name in done.stdout + done.stderr
