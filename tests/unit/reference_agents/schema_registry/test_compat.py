"""What may follow what, level by level."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reference_agents.schema_registry.compat import InvalidSchema, Kind, Level, canonical, problems

A: dict[str, Any] = {"name": "a", "type": "string"}
B: dict[str, Any] = {"name": "b", "type": "int"}
B_DEFAULT: dict[str, Any] = {**B, "default": 0}


def record(*fields: dict[str, Any]) -> str:
    return json.dumps({"type": "record", "name": "E", "fields": list(fields)})


def model(*required: str, closed: bool | None = None, **properties: Any) -> str:
    shape: dict[str, Any] = {"type": "object", "properties": properties, "required": list(required)}
    return json.dumps(shape | ({} if closed is None else {"additionalProperties": not closed}))


TEXT, NUMBER, MAYBE = {"type": "string"}, {"type": "integer"}, {"type": ["string", "null"]}


@pytest.mark.parametrize(
    ("kind", "old", "new", "backward", "forward"),
    [
        (Kind.AVRO, record(A), record(A, B), False, True),
        (Kind.AVRO, record(A), record(A, B_DEFAULT), True, True),
        (Kind.AVRO, record(A, B), record(A), True, False),
        (Kind.AVRO, record(A, B_DEFAULT), record(A), True, True),
        (Kind.AVRO, record(B), record({"name": "b", "type": "long"}), True, False),
        (Kind.AVRO, record(B), record({"name": "b", "type": "string"}), False, False),
        (Kind.JSON, model(a=TEXT), model(a=TEXT, b=NUMBER), True, True),
        (Kind.JSON, model(a=TEXT), model("b", a=TEXT, b=NUMBER), False, True),
        (Kind.JSON, model(a=TEXT, closed=True), model(a=TEXT, b=NUMBER, closed=True), True, False),
        (Kind.JSON, model(a=TEXT), model(a=MAYBE), True, False),
        (Kind.JSON, model(a=TEXT), model(a=NUMBER), False, False),
        (Kind.JSON, model(a={"enum": ["x", "y"]}), model(a={"enum": ["x"]}), False, True),
    ],
)
def test_backward_forward_and_full(kind: Kind, old: str, new: str, backward: bool, forward: bool) -> None:
    assert (problems(kind, Level.BACKWARD, new, [old]) == []) is backward
    assert (problems(kind, Level.FORWARD, new, [old]) == []) is forward
    assert (problems(kind, Level.FULL, new, [old]) == []) is (backward and forward)
    assert problems(kind, Level.NONE, new, [old]) == []


def test_only_the_transitive_levels_look_past_the_last_version() -> None:
    earlier = [record(A), record(A, B_DEFAULT)]
    assert problems(Kind.AVRO, Level.BACKWARD, record(A, B), earlier) == []
    assert problems(Kind.AVRO, Level.BACKWARD_TRANSITIVE, record(A, B), earlier)


def test_what_cannot_be_compared_is_not_called_compatible() -> None:
    recursive = json.dumps(
        {"$ref": "#/$defs/n", "$defs": {"n": {"type": "object", "properties": {"n": {"$ref": "#/$defs/n"}}}}}
    )
    other = json.dumps(
        {"type": "object", "properties": {"n": {"type": "object", "pattern": "x", "unevaluatedProperties": False}}}
    )
    assert problems(Kind.JSON, Level.BACKWARD, other, [recursive])


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("text", ["", "{", '{"type": "record"}', '{"type": 12}', "12"])
def test_what_is_no_schema_is_refused(kind: Kind, text: str) -> None:
    with pytest.raises(InvalidSchema):
        canonical(kind, text)


def test_one_schema_has_one_text() -> None:
    assert canonical(Kind.JSON, '{"type":  "string", "minLength": 1}') == canonical(
        Kind.JSON, '{"minLength":1,"type":"string"}'
    )
