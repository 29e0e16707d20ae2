"""Which arguments a schema promises to take, given one call that works."""

from __future__ import annotations

from typing import Any

from harness.contracts.tools.variations import declared, variations

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "query": {"type": "string", "maxLength": 12, "examples": ["ab cd"]},
        "file": {"type": "string", "pattern": "^[a-z]+$", "examples": ["a"]},
        "kind": {"enum": ["x", "y"], "examples": ["x"]},
        "limit": {"type": "integer", "minimum": 1, "maximum": 20},
        "id": {"type": "integer", "minimum": 1, "maximum": 10_000_000},
        "deep": {"type": "boolean"},
    },
    "required": ["query"],
    "additionalProperties": False,
}


def test_the_example_is_put_together_from_the_properties() -> None:
    assert declared(SCHEMA) == {"query": "ab cd", "file": "a", "kind": "x"}
    assert declared({**SCHEMA, "examples": [{"query": "whole"}]}) == {"query": "whole"}
    assert declared({**SCHEMA, "required": ["query", "id"]}) is None
    assert declared({"type": "object"}) is None
    assert declared({"properties": {"mode": {"enum": ["a", "b"]}}, "required": ["mode"]}) == {"mode": "a"}


def test_what_is_closed_is_varied_and_what_names_something_is_not() -> None:
    made = dict(variations(SCHEMA, {"query": "ab cd", "file": "a", "kind": "x"}))
    assert made == {
        "query = a": {"query": "a", "file": "a", "kind": "x"},
        "query = ab cd ab cdd": {"query": "ab cd ab cdd", "file": "a", "kind": "x"},
        "without file": {"query": "ab cd", "kind": "x"},
        "without kind": {"query": "ab cd", "file": "a"},
        "kind = y": {"query": "ab cd", "file": "a", "kind": "y"},
        "limit = 1": {"query": "ab cd", "file": "a", "kind": "x", "limit": 1},
        "limit = 20": {"query": "ab cd", "file": "a", "kind": "x", "limit": 20},
        "deep = True": {"query": "ab cd", "file": "a", "kind": "x", "deep": True},
        "deep = False": {"query": "ab cd", "file": "a", "kind": "x", "deep": False},
    }


def test_a_difference_that_the_schema_forbids_is_none() -> None:
    either = {**SCHEMA, "anyOf": [{"required": ["file"]}, {"required": ["kind"]}]}
    assert "without file" not in dict(variations(either, {"query": "ab", "file": "a"}))
    assert variations(SCHEMA, "text") == []
