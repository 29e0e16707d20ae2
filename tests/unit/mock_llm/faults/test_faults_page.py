"""docs/mock-llm/faults.md names every fault with every key, and its examples load."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from mock_llm.faults import FAULTS, UnknownFault, discover
from mock_llm.faults.plan import _WHERE, plan_from_data

discover()
PAGE = (Path(__file__).parents[4] / "docs/mock-llm/faults.md").read_text(encoding="utf-8")
EXAMPLES: list[dict[str, Any]] = yaml.safe_load(re.findall(r"```yaml\n(.*?)```", PAGE, re.S)[0])["faults"]
ROWS = {kind: set(re.findall(r"`(\w+)`", keys)) for kind, keys in re.findall(r"^\| `(\w+)` \| ([^|]*)\|", PAGE, re.M)}


def _keys(kind: str) -> set[str]:
    return {f.name for f in fields(FAULTS[kind])}  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", sorted(FAULTS))
def test_the_table_has_the_fault_with_its_keys(kind: str) -> None:
    assert ROWS[kind] == _keys(kind)


@pytest.mark.parametrize("kind", sorted(FAULTS))
def test_no_parameter_has_the_name_of_a_condition(kind: str) -> None:
    assert not _keys(kind) & _WHERE


@pytest.mark.parametrize("kind", sorted(FAULTS))
def test_there_is_an_example_and_it_loads(kind: str) -> None:
    mine = [item for item in EXAMPLES if item["kind"] == kind]
    assert mine
    assert [entry.fault.kind for entry in plan_from_data(mine).entries] == [kind]


def test_the_conditions_on_the_page_are_those_there_are() -> None:
    section = PAGE.split("## Which requests")[1].split("## Which faults")[0]
    named = {word for row in re.findall(r"^\| (`[^|]*)\|", section, re.M) for word in re.findall(r"`(\w+)`", row)}
    assert named == _WHERE


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({"kind": "cutt"}, "did you mean cut"),
        ({"kind": "cut", "frmae": 1}, "no parameter 'frmae'"),
        ({"kind": "cut"}, "exactly one of frame, byte, inside"),
        ({"kind": "cut", "frame": 1, "how": "bang"}, "how is one of fin, rst"),
        ({"kind": "missing", "what": "nothing"}, "what is one of done, finish, usage"),
        ({"kind": "finish_reason", "reason": "tired"}, "reason is one of"),
        ({"kind": "rate_limit"}, "requests, tokens or both"),
    ],
)
def test_a_wrong_entry_is_refused_with_what_is_wrong(entry: dict[str, Any], says: str) -> None:
    with pytest.raises(UnknownFault, match=says):
        plan_from_data([entry])
