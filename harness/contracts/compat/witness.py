"""Small values at the corners of a JSON Schema: where two versions of it disagree, if they do."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from pydantic import JsonValue

from harness.contracts.references import lookup

DEPTH = 6
WIDTH = 24  # candidates kept for one schema
STRAYS: tuple[JsonValue, ...] = ("", "a", 0, 1, -1, 1.5, True, None, [], {})
FORMATS = {
    "date-time": "2026-01-01T00:00:00Z",
    "date": "2026-01-01",
    "time": "00:00:00Z",
    "email": "a@example.org",
    "uri": "https://example.org/",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "ipv4": "127.0.0.1",
    "hostname": "example.org",
}


def candidates(schema: Any, document: Any = None, depth: int = DEPTH) -> list[JsonValue]:
    """Values worth trying against `schema`: at its bounds, at each of its alternatives, and a few strays.

    Not all of them fit it; the caller validates. `document` is where `#` references lead.
    """
    document = schema if document is None else document
    found: dict[str, JsonValue] = {}
    for value in itertools.islice(_values(schema, document, depth), 400):
        found.setdefault(repr(value), value)
        if len(found) >= WIDTH * 4:
            break
    return list(found.values())


def _values(schema: Any, document: Any, depth: int) -> Iterator[JsonValue]:
    if schema is False or depth < 0:
        return
    if schema is True or not schema:
        yield from STRAYS
        return
    if "$ref" in schema:
        try:
            target = lookup(document, schema["$ref"])
        except (KeyError, IndexError, ValueError):
            return
        yield from _values(target, document, depth - 1)
    if "const" in schema:
        yield schema["const"]
        return
    if "enum" in schema:
        yield from schema["enum"]
        return
    for word in ("anyOf", "oneOf"):
        for branch in schema.get(word, ()):
            yield from _values(_merged(schema, branch, word), document, depth - 1)
    if "allOf" in schema:
        merged: dict[str, Any] = {k: v for k, v in schema.items() if k != "allOf"}
        for branch in schema["allOf"]:
            resolved = branch
            if isinstance(branch, dict) and "$ref" in branch:
                resolved = lookup(document, branch["$ref"])
            merged = _merged({**merged, "": None}, resolved, "")
        yield from _values(merged, document, depth - 1)
    kinds = schema.get("type")
    for kind in [kinds] if isinstance(kinds, str) else kinds or _implied(schema):
        yield from _of_type(kind, schema, document, depth)


def _merged(schema: dict[str, Any], branch: Any, without: str) -> dict[str, Any]:
    """`schema` and one of its branches as one schema, near enough to try values from."""
    rest = {key: value for key, value in schema.items() if key != without}
    if not isinstance(branch, dict):
        return rest
    result = {**rest, **branch}
    if "properties" in rest and "properties" in branch:
        result["properties"] = {**rest["properties"], **branch["properties"]}
    if "required" in rest and "required" in branch:
        result["required"] = [*rest["required"], *branch["required"]]
    return result


def _implied(schema: dict[str, Any]) -> tuple[str, ...]:
    if {"properties", "required", "additionalProperties", "propertyNames"} & schema.keys():
        return ("object",)
    if {"items", "prefixItems", "minItems", "maxItems"} & schema.keys():
        return ("array",)
    if {"minimum", "maximum", "multipleOf", "exclusiveMinimum", "exclusiveMaximum"} & schema.keys():
        return ("integer", "number")
    if {"minLength", "maxLength", "pattern", "format"} & schema.keys():
        return ("string",)
    return ("string", "integer", "number", "boolean", "null", "array", "object")


def _of_type(kind: str, schema: dict[str, Any], document: Any, depth: int) -> Iterator[JsonValue]:
    if kind == "null":
        yield None
    elif kind == "boolean":
        yield from (True, False)
    elif kind in ("integer", "number"):
        yield from _numbers(kind, schema)
    elif kind == "string":
        yield from _strings(schema)
    elif kind == "array":
        yield from _arrays(schema, document, depth)
    elif kind == "object":
        yield from _objects(schema, document, depth)


def _numbers(kind: str, schema: dict[str, Any]) -> Iterator[JsonValue]:
    step = schema.get("multipleOf") or (1 if kind == "integer" else 0.5)
    for word, away in (
        ("minimum", 0),
        ("maximum", 0),
        ("exclusiveMinimum", step),
        ("exclusiveMaximum", -step),
    ):
        if word in schema and not isinstance(schema[word], bool):
            edge = schema[word] + away
            yield from (edge, edge + step, edge - step)
    yield from (0, step, -step, 1, 10**9)
    if kind == "number":
        yield 0.5


def _strings(schema: dict[str, Any]) -> Iterator[JsonValue]:
    low, high = int(schema.get("minLength", 0)), schema.get("maxLength")
    fixed = FORMATS.get(str(schema.get("format")))
    if fixed:
        yield fixed
    lengths = {low, low + 1, 1} | ({int(high), max(int(high) - 1, 0)} if high is not None else {64, 1025})
    for length in sorted(lengths):
        if length <= 200_000:
            yield from ("a" * length, "0" * length, "A" * length, " " * length)
    yield from ("a b", "é", "a-b_c.d")


def _arrays(schema: dict[str, Any], document: Any, depth: int) -> Iterator[JsonValue]:
    items = candidates(schema.get("items", True), document, depth - 1)[:WIDTH] or [None]
    low, high = int(schema.get("minItems", 0)), schema.get("maxItems")
    for length in sorted({low, low + 1} | ({int(high)} if high is not None else {2})):
        if length == 0:
            yield []
        elif length <= 2_000:
            for item in items:
                yield [item] * length
            yield (items * length)[:length]


def _objects(schema: dict[str, Any], document: Any, depth: int) -> Iterator[JsonValue]:
    properties: dict[str, Any] = dict(schema.get("properties") or {})
    required = list(schema.get("required") or ())
    for name in required:
        properties.setdefault(name, True)
    values = {name: candidates(part, document, depth - 1)[:WIDTH] for name, part in properties.items()}
    if any(not values[name] for name in required):
        return
    least = {name: values[name][0] for name in required}
    full = {name: options[0] for name, options in values.items() if options}
    yield dict(least)
    yield dict(full)
    for name, options in values.items():
        for option in options:
            yield {**least, name: option}
        if name not in required:
            yield {other: value for other, value in full.items() if other != name}
    for name, options in values.items():
        for option in options[:6]:
            yield {**full, name: option}
    extra = schema.get("additionalProperties", True)
    if extra is not False:
        yield {**least, "x_extra": (candidates(extra, document, depth - 1) or [None])[0]}
