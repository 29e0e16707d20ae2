"""Generated values satisfy their schema, by an oracle that is not ours, and lean on the conversation."""

from __future__ import annotations

import random
from typing import Any

import jsonschema_rs
import pytest

from mock_llm.script.generate import value_for

SCHEMAS: list[dict[str, Any]] = [
    {"type": "object", "properties": {"a": {"type": "string", "minLength": 40}}, "required": ["a"]},
    {"type": "string", "pattern": r"^[A-Z]{3}-\d{4}(-[a-f0-9]{2,4})?$"},
    {"type": "string", "format": "uuid"},
    {"type": "string", "format": "date-time"},
    {"type": "string", "maxLength": 3},
    {"type": "integer", "minimum": 10, "maximum": 20, "multipleOf": 7},
    {"type": "integer", "exclusiveMinimum": 5, "exclusiveMaximum": 7},
    {"type": "number", "maximum": -3},
    {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
    {"type": "array", "items": {"enum": ["a", "b", "c"]}, "minItems": 3, "uniqueItems": True},
    {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "items": False, "minItems": 2},
    {"anyOf": [{"type": "null"}, {"type": "integer", "minimum": 3}]},
    {"allOf": [{"type": "object", "required": ["a"]}, {"properties": {"a": {"const": 5}}}]},
    {"type": ["string", "null"], "enum": ["x", None]},
    {"type": "object", "minProperties": 2, "additionalProperties": {"type": "boolean"}},
    {
        "$defs": {
            "node": {
                "type": "object",
                "properties": {
                    "v": {"type": "integer"},
                    "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
                },
                "required": ["v", "next"],
            }
        },
        "$ref": "#/$defs/node",
    },
    {"type": "object", "properties": {"kids": {"type": "array", "items": {"$ref": "#"}}}, "required": ["kids"]},
]


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda s: str(s)[:60])
@pytest.mark.parametrize("text", ["", "Book 15 seats to Oslo for order A-77, please"])
def test_a_generated_value_is_valid(schema: dict[str, Any], text: str) -> None:
    value = value_for(schema, random.Random(3), text)
    jsonschema_rs.validate(schema, value)


def test_values_lean_on_the_text() -> None:
    properties = {
        "query": {"type": "string"},
        "count": {"type": "integer"},
        "city": {"type": "string"},
        "size": {"enum": ["small", "large"]},
        "optional": {"type": "string"},
    }
    schema = {"type": "object", "properties": properties, "required": ["query", "count", "city", "size"]}
    value = value_for(schema, random.Random(0), "Find 12 large hotels in Oslo")
    assert value == {"query": "Find 12 large hotels in Oslo", "count": 12, "city": "Oslo", "size": "large"}


def test_a_schema_that_asks_for_too_much_gets_much() -> None:
    huge = 10**12
    made = value_for({"type": "array", "items": {"type": "boolean"}, "minItems": huge}, random.Random(1))
    assert len(made) == 1_000
    assert len(value_for({"type": "string", "minLength": huge}, random.Random(1))) == 10_000
    assert len(value_for({"type": "object", "minProperties": huge}, random.Random(1))) == 1_000
    assert set(value_for({"type": "string", "pattern": "^a+$", "minLength": huge}, random.Random(1))) == {"a"}
