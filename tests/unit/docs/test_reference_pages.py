"""The reference pages say what the code says: every key and every event, and nothing else."""

from __future__ import annotations

import re
import typing
from pathlib import Path

import pytest

from harness.core import config, events

DOCS = Path(__file__).parents[3] / "docs"
SECTIONS = {
    "## [target]": config.Target,
    "### [target.local]": config.Local,
    "### [target.kubernetes]": config.Kubernetes,
    "### [target.auth]": config.Auth,
    "### [target.metrics]": config.Metrics,
    "### [target.alerts]": config.Alerts,
    "### [target.services.NAME]": config.Service,
    "### [target.services.NAME.tasks]": config.TasksApi,
    "### [target.services.NAME.grpc]": config.GrpcApi,
    "## [suites.contracts]": config.ContractsSuite,
    "## [suites.scenarios]": config.ScenariosSuite,
    "## [suites.load]": config.LoadSuite,
    "## [suites.chaos]": config.ChaosSuite,
    "## [readiness]": config.Readiness,
    "### [[readiness.waivers]]": config.Waiver,
}
TABLES_OF_THEIR_OWN = {"services", "local", "kubernetes", "auth", "tasks", "suites", "target", "root", "readiness"}


def first_cells(text: str) -> list[str]:
    """The words in backticks of each row's first cell, the heading's row apart."""
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    return [word for row in rows for word in re.findall(r"`([^`]+)`", row.split("|")[1])]


def section(page: str, heading: str) -> str:
    text = (DOCS / page).read_text()
    assert f"\n{heading}\n" in text, f"{page} has no section {heading}"
    return re.split(r"\n##+ ", text.split(f"\n{heading}\n")[1])[0]


@pytest.mark.parametrize("heading", SECTIONS)
def test_the_configuration_page_lists_every_key_of(heading: str) -> None:
    model = SECTIONS[heading]
    fields = set(model.model_fields) - TABLES_OF_THEIR_OWN
    if model is config.Target:
        fields -= {"metrics", "alerts"}  # a table here, a key of a service
    if model is config.ContractsSuite:
        fields |= {"services"}
    assert sorted(first_cells(section("windtunnel-toml.md", heading))) == sorted(fields)


def test_the_run_directory_page_lists_every_event_with_its_fields() -> None:
    text = section("run-directory.md", "## Bodies")
    bodies = typing.get_args(typing.get_args(events.AnyBody)[0])
    assert first_cells(text) == [body.model_fields["type"].default for body in bodies]
    for body in bodies:
        row = next(line for line in text.splitlines() if line.startswith(f"| `{body.model_fields['type'].default}` |"))
        named = re.findall(r"`([^`]+)`", row.split("|")[3])
        assert named == [name for name in body.model_fields if name != "type"]


def test_the_run_directory_page_tells_the_version_and_the_envelope() -> None:
    text = section("run-directory.md", "## An event")
    assert f"version of this schema: {events.SCHEMA_VERSION}." in text
    assert set(first_cells(text)) == set(events.Event.model_fields)
