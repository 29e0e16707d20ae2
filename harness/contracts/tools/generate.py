"""Arguments for a tool, made from its schema: ones it must accept and ones it must refuse.

Schemathesis generates bodies for OpenAPI operations; a tool schema wrapped as the body of a one-path
description is generated for in the same way. Every example is checked against the schema afterwards, so a
slip of the generator never becomes an accusation.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import jsonschema_rs
import schemathesis
from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from pydantic import JsonValue
from schemathesis import GenerationMode
from schemathesis.config import SchemathesisConfig


def arguments(schema: Mapping[str, Any], *, valid: bool, count: int, number: int) -> list[JsonValue]:
    """Up to `count` different arguments that `schema` allows, or that it forbids; the same ones for the same
    `number`. Empty when there are none, e.g. nothing is forbidden."""
    mode = GenerationMode.POSITIVE if valid else GenerationMode.NEGATIVE
    validator = jsonschema_rs.validator_for(dict(schema))
    operation = schemathesis.openapi.from_dict(
        wrapped(schema), config=SchemathesisConfig.from_dict({"generation": {"allow-x00": False}})
    )["/tool"]["POST"]
    found: dict[str, JsonValue] = {}

    @seed(number)
    @settings(
        max_examples=count * 4,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.quiet,
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def collect(case: Any) -> None:
        body = case.body
        if len(found) < count and _is_json(body) and validator.is_valid(body) is valid:
            found.setdefault(json.dumps(body, sort_keys=True), body)

    run: Callable[[], None] = collect
    try:
        run()
    except Exception as error:  # hypothesis and schemathesis have many; all of them mean the same here
        if type(error).__name__ in ("Unsatisfiable", "Unsatisfied", "InvalidArgument"):
            return list(found.values())
        raise
    return sorted(found.values(), key=lambda value: len(repr(value)))


def wrapped(schema: Mapping[str, Any]) -> dict[str, Any]:
    """An OpenAPI description with one operation whose JSON body is `schema`."""
    definitions: dict[str, Any] = {}

    def rewrite(node: Any, *, names: bool = False) -> Any:
        """With `names` the keys of `node` are names of properties, whatever they are called."""
        if isinstance(node, list):
            return [rewrite(item) for item in node]
        if not isinstance(node, dict):
            return node
        if names:
            return {name: rewrite(part) for name, part in node.items()}
        result: dict[str, Any] = {}
        for word, part in node.items():
            if word in ("$defs", "definitions"):
                definitions.update({name: rewrite(definition) for name, definition in part.items()})
            elif word == "$ref" and isinstance(part, str):
                name = part.rsplit("/", 1)[-1]
                result[word] = "#/components/schemas/" + (name if name != "#" else "_Tool")
            elif word not in ("$schema", "$id"):
                result[word] = rewrite(part, names=word in ("properties", "patternProperties"))
        return result

    body = rewrite(dict(schema))
    return {
        "openapi": "3.1.0",
        "info": {"title": "tool", "version": "1"},
        "paths": {
            "/tool": {
                "post": {
                    "requestBody": {
                        "required": True,
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/_Tool"}}},
                    },
                    "responses": {"200": {"description": "ok"}},
                }
            }
        },
        "components": {"schemas": {**definitions, "_Tool": body}},
    }


def _is_json(value: Any) -> bool:
    if value is None or isinstance(value, str | bool | int | float):
        return True
    if isinstance(value, list):
        return all(_is_json(item) for item in value)
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_json(item) for key, item in value.items())
    return False
