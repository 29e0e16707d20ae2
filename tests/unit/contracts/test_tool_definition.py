from typing import Any

import pytest

from harness.contracts.tools.definition import ToolDefinition, invalid, listed, read
from harness.contracts.tools.generate import arguments
from harness.contracts.tools.lint import lint

PARAMETERS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "query": {"type": "string", "maxLength": 50, "description": "What to look for."},
        "limit": {"type": "integer", "minimum": 1, "maximum": 9, "description": "How many."},
    },
    "required": ["query"],
    "additionalProperties": False,
}
GOOD = ToolDefinition("search", "1", "Search for passages about a query.", PARAMETERS, {"type": "object"})


@pytest.mark.parametrize(
    "entry",
    [
        {"name": "search", "description": "d", "parameters": PARAMETERS},
        {"name": "search", "description": "d", "inputSchema": PARAMETERS},
        {"type": "function", "function": {"name": "search", "description": "d", "parameters": PARAMETERS}},
    ],
)
def test_every_dialect_reads_as_the_same_definition(entry: Any) -> None:
    assert read(entry) == ToolDefinition("search", "", "d", PARAMETERS)


@pytest.mark.parametrize("entry", ["x", {}, {"name": "x"}, {"name": "x", "parameters": 3}])
def test_what_is_no_tool_says_why(entry: Any) -> None:
    with pytest.raises(ValueError, match=r"tool|schema"):
        read(entry)


def test_lists_are_found_bare_or_wrapped() -> None:
    assert listed([1]) == listed({"tools": [1]}) == listed({"result": {"tools": [1]}}) == [1]
    with pytest.raises(ValueError, match="no list of tools"):
        listed({"x": 1})


def test_a_schema_that_is_none_is_named() -> None:
    bad = {**PARAMETERS, "properties": {"limit": {"type": "int"}}}
    assert [text.split(":")[0] for text in invalid(ToolDefinition("t", parameters=bad))] == ["parameters"]
    assert list(invalid(GOOD)) == []
    assert list(invalid(ToolDefinition("t", parameters={"type": "string"}))) != []


def test_a_clean_tool_has_no_objections() -> None:
    assert lint(GOOD) == []


@pytest.mark.parametrize(
    ("rule", "parts"),
    [
        ("name", {"name": "search the web!"}),
        ("description", {"description": "search"}),
        (
            "parameter-descriptions",
            {"parameters": {**PARAMETERS, "properties": {"q": {"const": 1}}, "required": []}},
        ),
        ("closed", {"parameters": {k: v for k, v in PARAMETERS.items() if k != "additionalProperties"}}),
        (
            "bounds",
            {"parameters": {**PARAMETERS, "properties": {"query": {"type": "string", "description": "x"}}}},
        ),
        ("required", {"parameters": {**PARAMETERS, "required": ["query", "ghost"]}}),
        ("returns", {"returns": None}),
    ],
)
def test_each_rule_objects_to_its_own_mistake(rule: str, parts: dict[str, Any]) -> None:
    values = {name: getattr(GOOD, name) for name in GOOD.__dataclass_fields__}
    assert {name for name, _ in lint(ToolDefinition(**{**values, **parts}))} == {rule}


def test_generated_arguments_are_what_they_claim_and_the_same_for_the_same_number() -> None:
    good = arguments(PARAMETERS, valid=True, count=10, number=5)
    bad = arguments(PARAMETERS, valid=False, count=10, number=5)
    assert len(good) == len(bad) == 10
    assert all(isinstance(value, dict) and "query" in value for value in good)
    assert good == arguments(PARAMETERS, valid=True, count=10, number=5)
    assert arguments({}, valid=False, count=5, number=5) == []


def test_definitions_inside_a_schema_are_generated_for() -> None:
    schema = {
        **PARAMETERS,
        "properties": {"query": {"$ref": "#/$defs/Q"}},
        "$defs": {"Q": {"enum": ["a", "b"]}},
    }
    assert {str(value) for value in arguments(schema, valid=True, count=5, number=1)} <= {
        "{'query': 'a'}",
        "{'query': 'b'}",
    }


def test_a_property_may_be_called_like_a_keyword() -> None:
    schema = {
        "type": "object",
        "properties": {"definitions": {"enum": ["x"]}, "$ref": {"enum": ["y"]}},
        "required": ["definitions", "$ref"],
        "additionalProperties": False,
    }
    assert arguments(schema, valid=True, count=3, number=1) == [{"definitions": "x", "$ref": "y"}]
