"""The workflows and actions: valid by the published schemas, pinned, and consistent among themselves."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ACTIONS = [ROOT / "action.yml", *sorted((ROOT / ".github" / "actions").glob("*/action.yml"))]
MAJOR = re.compile(r"[\w.-]+/[\w./-]+@v\d+")
COMMIT = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}")


def _load(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(path.read_text())
    return document


def _steps(path: Path) -> Iterator[dict[str, Any]]:
    document = _load(path)
    yield from document.get("runs", {}).get("steps", ())
    for job in document.get("jobs", {}).values():
        yield from job.get("steps", ())


def _schema_check(schema: str, *paths: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}"]
    return subprocess.run([*command, *map(str, paths)], capture_output=True, text=True, timeout=60)


def test_the_files_that_are_promised_exist() -> None:
    assert {path.name for path in WORKFLOWS} >= {"ci.yml", "deliver.yml", "windtunnel.yml"}
    assert ACTIONS[0].is_file()


@pytest.mark.parametrize(
    ("schema", "paths"),
    [
        ("github-workflows", WORKFLOWS),
        ("github-actions", ACTIONS),
        ("dependabot", [ROOT / ".github" / "dependabot.yml"]),
    ],
)
def test_valid_by_the_published_schema(schema: str, paths: list[Path]) -> None:
    checked = _schema_check(schema, *paths)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_schema_check_can_fail(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yml"
    bad.write_text("name: bad\non: push\njobs:\n  one:\n    runs_on: ubuntu-24.04\n")
    assert _schema_check("github-workflows", bad).returncode == 1


@pytest.mark.parametrize("path", [*WORKFLOWS, *ACTIONS], ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_action_is_pinned_and_no_expression_reaches_a_shell(path: Path) -> None:
    for step in _steps(path):
        uses = step.get("uses", "./")
        assert uses.startswith("./") or MAJOR.fullmatch(uses) or COMMIT.fullmatch(uses), uses
        # An expression in a script is code that a branch name or an input can write: use `env`.
        assert "${{" not in step.get("run", ""), step["name"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_jobs_need_jobs_that_exist_have_a_limit_and_few_rights(path: Path) -> None:
    document = _load(path)
    assert document["permissions"] == {"contents": "read"}
    for name, job in document["jobs"].items():
        needs = job.get("needs", [])
        for other in [needs] if isinstance(needs, str) else needs:
            assert other in document["jobs"], f"{name} needs {other}"
        assert "uses" in job or "timeout-minutes" in job, name
        for expression in re.findall(r"needs\.([\w-]+)\.outputs\.([\w-]+)", yaml.safe_dump(job)):
            job_name, output = expression
            assert job_name in needs, f"{name} reads {job_name} and does not need it"
            assert output in document["jobs"][job_name]["outputs"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_local_actions_get_the_inputs_they_declare(path: Path) -> None:
    for step in _steps(path):
        uses = step.get("uses", "")
        if not uses.startswith("./"):
            continue
        declared = _load(ROOT / uses / "action.yml")["inputs"]
        given = set(step.get("with", {}))
        assert given <= set(declared)
        assert {name for name, entry in declared.items() if entry.get("required")} <= given


def test_scripts_that_are_called_exist_and_may_be_run() -> None:
    called: set[str] = set()
    for path in [*WORKFLOWS, *ACTIONS]:
        called.update(re.findall(r"\.github/scripts/[\w.-]+", path.read_text()))
    assert called
    for script in called:
        assert os.access(ROOT / script, os.X_OK), script


def test_the_way_to_production() -> None:
    jobs = _load(ROOT / ".github" / "workflows" / "deliver.yml")["jobs"]
    assert (jobs["staging"]["environment"], jobs["production"]["environment"]) == ("staging", "production")
    assert "staging" in jobs["production"]["needs"]
    assert "kind" in jobs["staging"]["needs"]
    assert jobs["images"]["needs"] == "checks"
    order = [step.get("uses", "").split("@")[0] or step["name"] for step in jobs["images"]["steps"]]
    assert order.index("aquasecurity/trivy-action") < order.index("docker/build-push-action", 3)
    scan = next(step for step in jobs["images"]["steps"] if step.get("name") == "Scan")
    assert scan["with"]["exit-code"] == "1"
    push = next(step for step in jobs["images"]["steps"] if step.get("name") == "Push by digest")
    assert "push-by-digest=true" in push["with"]["outputs"]
    assert "tags" not in push["with"]


def test_the_tests_have_a_coverage_floor() -> None:
    steps = _load(ROOT / ".github" / "workflows" / "ci.yml")["jobs"]["test"]["steps"]
    [command] = [step["run"] for step in steps if "pytest" in step.get("run", "")]
    assert "--cov " in command
    assert "--cov-fail-under=85" in command
