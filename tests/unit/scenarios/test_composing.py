"""A file of parts and with a matrix: what it unfolds to, and that a mistake is named where it was written."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.core.errors import ConfigError
from harness.scenarios.reading import parse, read_file, read_folder, select

MATRIX = """\
title: a ${status} is got over
matrix:
  status: [429, 503]
  tool: [search, mail]
given:
  edges: [{from: registry, to: "${tool}", status: "${status}", first: 1}]
when:
  - run: {prompt: "use ${tool}", name: "${tool}"}
then:
  - status
"""
FILE = Path("scenarios/got-over.yaml")


def test_a_matrix_is_every_combination_and_a_whole_hole_keeps_its_kind() -> None:
    found = parse(MATRIX, FILE)
    assert [one.name for one in found] == [
        "got-over-429-search",
        "got-over-429-mail",
        "got-over-503-search",
        "got-over-503-mail",
    ]
    last = found[-1]
    assert (last.given.edges[0].status, last.given.edges[0].to) == (503, "mail")
    assert last.when[0].run is not None
    assert last.when[0].run.prompt == "use mail"
    assert last.title == "a 503 is got over"
    assert last.file == FILE


def test_the_files_name_stands_for_all_that_it_unfolds_to() -> None:
    assert len(select(parse(MATRIX, FILE), ["got-over"], [])) == 4
    assert [one.name for one in select(parse(MATRIX, FILE), ["got-over-503-mail"], [])] == ["got-over-503-mail"]


def test_rows_are_what_they_say_and_name_may_say_it_otherwise() -> None:
    rows = "matrix:\n  - {status: 429, tool: search}\n  - {status: 503, tool: mail}\nname: on-${tool}\n"
    start, end = MATRIX.index("matrix:"), MATRIX.index("given:")
    found = parse(MATRIX[:start] + rows + MATRIX[end:], FILE)
    assert [one.name for one in found] == ["on-search", "on-mail"]


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("use ${tool}", "use ${tol}", 8, r"\$\{tol\} is not in the matrix"),
        ("[429, 503]", "[429, 200]", 6, "greater than or equal to 400"),
        ("  status: [429, 503]", "  status: [429, 503]\n  idle: [1]", 3, r"nothing in the file uses \$\{idle\}"),
        ("  status: [429, 503]", "  status: []", 3, "empty list"),
        ("  status: [429, 503]", "  status: [{a: 1}]", 3, "single value"),
    ],
)
def test_a_mistake_in_a_matrix_names_its_line(old: str, new: str, line: int, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        parse(MATRIX.replace(old, new), FILE)
    assert caught.value.line == line


def test_a_dollar_is_only_a_hole_where_there_is_a_matrix() -> None:
    text = "title: t\nwhen: [{run: {prompt: 'echo ${HOME}'}}]\nthen: [status]\n"
    (found,) = parse(text, FILE)
    assert found.when[0].run is not None
    assert found.when[0].run.prompt == "echo ${HOME}"


PART = """\
fix: the part's
tags: [shared]
given:
  llm: {script: {rules: [{answer: from the part}]}}
then:
  - no_leak: CANARY
"""
OWN = """\
title: t
include: _parts/shared.yaml
fix: mine
tags: [own]
given:
  llm: {script: {rules: [{when: {text: a}, answer: mine}]}}
when: [{run: {prompt: a}}]
then:
  - status: completed
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "_parts").mkdir()
    (tmp_path / "_parts" / "shared.yaml").write_text(PART)
    (tmp_path / "own.yaml").write_text(OWN)
    return tmp_path


def test_an_included_part_is_merged_behind_what_the_file_says_itself(folder: Path) -> None:
    (found,) = read_folder(folder)
    assert found.name == "own"
    assert (found.fix, found.tags) == ("mine", ("own", "shared"))
    assert [one.kind for one in found.then] == ["status", "no_leak"]
    assert found.given.llm.script == {"rules": [{"when": {"text": "a"}, "answer": "mine"}, {"answer": "from the part"}]}


def test_a_mistake_in_an_included_part_names_the_part(folder: Path) -> None:
    part = folder / "_parts" / "shared.yaml"
    part.write_text(PART.replace("no_leak", "no_leek"))
    with pytest.raises(ConfigError, match="no_leek") as caught:
        read_file(folder / "own.yaml")
    assert (Path(str(caught.value.file)), caught.value.line) == (part, 6)


@pytest.mark.parametrize(
    ("part", "message"),
    [(PART + "when: [{pause_s: 1}]\n", "`when` cannot stand"), ("- a\n", "mapping"), (None, "cannot be read")],
)
def test_what_cannot_be_included_is_told(folder: Path, part: str | None, message: str) -> None:
    there = folder / "_parts" / "shared.yaml"
    there.unlink() if part is None else there.write_text(part)
    with pytest.raises(ConfigError, match=message):
        read_file(folder / "own.yaml")
