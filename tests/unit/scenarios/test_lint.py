"""Lint: every mistake of every file, and what could never show anything."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness.cli import app
from harness.scenarios.lint import lint
from harness.scenarios.reading import files_in

LIBRARY = Path(__file__).parents[3] / "scenarios"
GOOD = """\
title: t
given:
  llm:
    script: {rules: [{answer: {tool_calls: [search]}}]}
    faults: [{kind: status, status: 429, first: 1}]
when:
  - run: {prompt: a, name: one}
then:
  - status: {is: completed, of: one}
  - effects: {tool: search, exactly: 1}
  - fallback
"""


def remarks(tmp_path: Path, text: str, services: frozenset[str] = frozenset()) -> list[tuple[str, str]]:
    file = tmp_path / "a.yaml"
    file.write_text(text)
    return [(one.level, one.text.removeprefix(str(file))) for one in lint([file], services)]


def test_the_library_has_nothing_to_remark() -> None:
    assert lint(files_in(LIBRARY), frozenset()) == []


def test_a_good_file_has_none(tmp_path: Path) -> None:
    assert remarks(tmp_path, GOOD) == []


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    found = remarks(tmp_path, GOOD.replace("prompt: a", "promt: a").replace("exactly: 1", "exactly: -1"))
    assert [level for level, _ in found] == ["error"] * 2
    assert [text.split(":")[1] for _, text in found] == ["7", "10"]


@pytest.mark.parametrize(
    ("old", "new", "warning"),
    [
        ("of: one", "of: two", "is of 'two', and no call has that name"),
        ("tool_calls: [search]", "text: no", "needs a call of 'search'"),
        ("    faults: [{kind: status, status: 429, first: 1}]\n", "", "no model fails"),
        ("title: t", "title: t\nservice: nobody", "declares no service 'nobody'"),
        (
            "then:",
            "  - fault: {kind: pod_kill, params: {workload: a, count: 1}}\nthen:",
            "the fault comes last",
        ),
        ("  - run: {prompt: a, name: one}", "  - pause_s: 1", "hands in no task"),
    ],
)
def test_what_can_show_nothing_is_a_warning(tmp_path: Path, old: str, new: str, warning: str) -> None:
    assert old in GOOD
    found = remarks(tmp_path, GOOD.replace(old, new), frozenset({"somebody"}))
    assert any(level == "warning" and warning in text for level, text in found), found


def test_what_every_row_of_a_matrix_has_is_told_once(tmp_path: Path) -> None:
    text = GOOD.replace("title: t", "title: ${n}\nmatrix: {n: [1, 2]}").replace("of: one", "of: two")
    assert len(remarks(tmp_path, text)) == 1


def test_names_that_clash_are_errors(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text(GOOD + "name: same\n")
    found = lint(files_in(tmp_path), frozenset())
    assert [one.level for one in found] == ["error"]
    assert "called 'same'" in found[0].text


def test_the_command_tells_file_and_line_and_exits_with_1(tmp_path: Path) -> None:
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "windtunnel.toml").write_text(
        '[target]\nname = "t"\nkind = "external"\n[target.services.one]\nurl = "http://127.0.0.1:1"\n'
    )
    file = tmp_path / "scenarios" / "a.yaml"
    file.write_text(GOOD)
    command = ["scenarios", "lint", "--config", str(tmp_path / "windtunnel.toml")]
    assert CliRunner().invoke(app, command).exit_code == 0
    file.write_text(GOOD.replace("exactly", "exactely"))
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 1
    assert "a.yaml:10: unknown key `exactely`" in result.output
    assert "did you mean `exactly`?" in result.output
