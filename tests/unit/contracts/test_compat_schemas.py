"""Sixteen evolutions of a schema and what each does to those who rely on the old one."""

import copy
from typing import Any

import jsonschema_rs
import pytest

from harness.contracts.compat.schemas import Relation, takes_all

BASE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "q": {"type": "string", "minLength": 1, "maxLength": 100},
        "k": {"type": "integer", "minimum": 1, "maximum": 10},
        "mode": {"enum": ["fast", "deep"]},
        "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 5},
    },
    "required": ["q"],
    "additionalProperties": False,
}


def evolved(path: str, value: Any) -> dict[str, Any]:
    """BASE with `value` at the dotted `path`; None removes what is there."""
    schema = copy.deepcopy(BASE)
    *parents, last = path.split(".")
    here: Any = schema
    for part in parents:
        here = here[part]
    if value is None:
        del here[last]
    else:
        here[last] = value
    return schema


BREAKS = {
    "maximum lowered": evolved("properties.k.maximum", 5),
    "minimum raised": evolved("properties.k.minimum", 2),
    "optional became required": evolved("required", ["q", "k"]),
    "property removed from a closed object": evolved("properties.k", None),
    "enum narrowed": evolved("properties.mode.enum", ["fast"]),
    "type changed": evolved("properties.q", {"type": "integer"}),
    "pattern added": evolved("properties.q.pattern", "^[a-z]+$"),
    "format added": evolved("properties.q.format", "email"),
    "fewer items": evolved("properties.tags.maxItems", 3),
    "items narrowed": evolved("properties.tags.items", {"type": "string", "maxLength": 3}),
}
HOLDS = {
    "maximum raised": evolved("properties.k.maximum", 50),
    "required became optional": evolved("required", []),
    "optional property added": evolved("properties.z", {"type": "string"}),
    "enum widened": evolved("properties.mode.enum", ["fast", "deep", "auto"]),
    "object opened": evolved("additionalProperties", None),
    "described in other words": evolved("properties.q.description", "what to look for"),
    "null allowed": evolved("properties.k", {"anyOf": [BASE["properties"]["k"], {"type": "null"}]}),
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_break_comes_with_a_value_that_only_the_old_schema_takes(name: str) -> None:
    comparison = takes_all(BREAKS[name], BASE)
    assert comparison.relation is Relation.BROKEN
    assert comparison.has_witness
    assert jsonschema_rs.validator_for(BASE, validate_formats=True).is_valid(comparison.witness)
    assert not jsonschema_rs.validator_for(BREAKS[name], validate_formats=True).is_valid(comparison.witness)


@pytest.mark.parametrize("name", HOLDS)
def test_a_compatible_change_is_proved_so(name: str) -> None:
    assert takes_all(HOLDS[name], BASE).relation is Relation.COMPATIBLE


def test_what_cannot_be_decided_is_unknown_and_never_compatible() -> None:
    old = {"type": "string", "pattern": "^(a|b)*c$"}
    new = {"type": "string", "pattern": "^(b|a)*c$"}
    comparison = takes_all(new, old)
    assert comparison.relation is Relation.UNKNOWN
    assert comparison.reason


def test_a_sample_decides_where_algebra_cannot() -> None:
    old = {"type": "string", "pattern": "^(a|b)*c$"}
    new = {"type": "string", "pattern": "^a*c$"}
    comparison = takes_all(new, old, samples=["bc"])
    assert comparison.relation is Relation.BROKEN
    assert comparison.witness == "bc"


def test_references_are_followed() -> None:
    new = {
        **evolved("properties.q", {"$ref": "#/$defs/q"}),
        "$defs": {"q": {"type": "string", "minLength": 2}},
    }
    comparison = takes_all(new, BASE)
    assert comparison.relation is Relation.BROKEN
    assert isinstance(comparison.witness, dict)
    assert len(comparison.witness["q"]) == 1
