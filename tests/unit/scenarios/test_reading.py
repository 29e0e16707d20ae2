from pathlib import Path

import pytest

from harness.core.errors import EXIT_USAGE, ConfigError
from harness.scenarios.model import Scenario
from harness.scenarios.reading import parse, read_folder, select
from harness.scenarios.then.status import Status

GOOD = """\
title: a tool fails and the agent recovers
tags: [tools]
given:
  edges:
    - {from: registry, to: search, status: 503, first: 1}
when:
  - run:
      prompt: find it
      body: {max_steps: 4}
then:
  - status: completed
  - output: {contains: found}
  - trajectory: [search, {tool: search, arguments: {q: x}}]
  - recovery: {tool: search, within_s: 10}
  - fallback
  - steps: 4
  - no_leak: CANARY-1
"""
FILE = Path("scenarios/recovers.yaml")


def test_a_file_reads_as_a_scenario_named_after_it() -> None:
    (scenario,) = parse(GOOD, FILE)
    assert scenario.name == "recovers"
    assert scenario.alone
    assert [assertion.kind for assertion in scenario.then] == [
        "status",
        "output",
        "trajectory",
        "recovery",
        "fallback",
        "steps",
        "no_leak",
    ]
    assert scenario.then[0].judged == Status(is_=("completed",))


@pytest.mark.parametrize(
    ("old", "new", "line", "message", "hint"),
    [
        ("  - recovery:", "  - recovry:", 14, "unknown key `recovry`", "recovery"),
        ("prompt: find it", "promt: find it", 8, "unknown key `promt`", "prompt"),
        ("status: 503", "status: 200", 5, "greater than or equal to 400", None),
        ("status: 503", "stat: 503", 5, "unknown key `stat`", "status"),
        ("within_s: 10", "within: 10", 14, "unknown key `within`", "within_s"),
        ("title: a tool", "titel: a tool", 1, "titel|title", None),
        ("  - steps: 4", "  - steps: {at_most: -1}", 16, "greater than or equal to 0", None),
        (
            "    - {from: registry, to: search",
            "    - {from: registry, delay_s: 1, to: search",
            5,
            "exactly one",
            None,
        ),
        ("  - run:", "  - run", 7, "not YAML|mapping", None),
    ],
)
def test_a_mistake_names_its_line_and_what_was_meant(old, new, line, message, hint) -> None:
    text = GOOD.replace(old, new)
    assert text != GOOD
    with pytest.raises(ConfigError, match=message) as caught:
        parse(text, FILE)
    assert caught.value.exit_code == EXIT_USAGE
    assert abs((caught.value.line or 0) - line) <= 1
    assert str(caught.value).startswith(f"{FILE}:{caught.value.line}: ")
    if hint:
        assert f"`{hint}`" in (caught.value.hint or "")


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "a: [", "3"])
def test_what_is_no_scenario_at_all_is_said_so(text: str) -> None:
    with pytest.raises(ConfigError, match=r"recovers\.yaml"):
        parse(text, FILE)


def test_a_folder_is_read_and_chosen_from_by_name_or_tag(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "one.yaml").write_text(GOOD)
    (tmp_path / "deep" / "two.yml").write_text(GOOD.replace("[tools]", "[memory]"))
    rows = read_folder(tmp_path)
    assert [row.name for row in rows] == ["one", "two"]
    assert [row.name for row in select(rows, ["two"], [])] == ["two"]
    assert [row.name for row in select(rows, [], ["tools"])] == ["one"]
    with pytest.raises(ConfigError, match="twoo") as caught:
        select(rows, ["twoo"], [])
    assert "two" in (caught.value.hint or "")
    (tmp_path / "deep" / "one.yaml").write_text(GOOD)
    with pytest.raises(ConfigError, match="two scenarios are called 'one'"):
        read_folder(tmp_path)


def test_exactly_one_assertion_stands_in_each_item() -> None:
    with pytest.raises(ConfigError, match="exactly one assertion"):
        parse(GOOD.replace("  - fallback\n", "  - {status: completed, steps: 3}\n"), FILE)


def test_a_bad_pattern_or_schema_is_found_when_the_file_is_read() -> None:
    with pytest.raises(ConfigError, match="regular expression"):
        parse(GOOD.replace("{contains: found}", "{matches: '('}"), FILE)
    with pytest.raises(ConfigError, match="JSON Schema"):
        parse(GOOD.replace("{contains: found}", "{schema: {type: strng}}"), FILE)


def test_the_model_is_all_a_python_author_needs() -> None:
    scenario = Scenario.model_validate(
        {"name": "p", "title": "t", "when": [{"run": {"prompt": "x"}}], "then": [{"status": "completed"}]}
    )
    assert not scenario.alone
