"""A call that works, and the changes to it that a schema says must work too.

Arguments that are merely allowed by a schema may still name a file that is not there or a query that does not run:
no schema can say that, and a tool that refuses them is right. But a value of an enumeration, a number between its
bounds, a text as long as it may be, the absence of what is optional: these the schema promises.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema_rs
from pydantic import JsonValue

WIDEST = 100_000  # a number with a wider range is an identifier rather than a limit
LONGEST = 20_000  # characters


def declared(schema: Mapping[str, Any]) -> JsonValue:
    """The arguments that the schema gives as its example, whole or property by property; None when there are none."""
    whole = schema.get("examples") or ([schema["example"]] if "example" in schema else [])
    properties: Mapping[str, Any] = schema.get("properties") or {}
    required = schema.get("required") or ()
    parts = {name: value for name, part in properties.items() for value in _examples(part, needed=name in required)[:1]}
    for candidate in [*whole, parts]:
        if candidate and jsonschema_rs.validator_for(dict(schema)).is_valid(candidate):
            return candidate  # type: ignore[no-any-return]
    return None


def variations(schema: Mapping[str, Any], base: JsonValue) -> list[tuple[str, JsonValue]]:
    """What differs, and `base` with this one difference; only such as `schema` allows."""
    if not isinstance(base, dict):
        return []
    validator = jsonschema_rs.validator_for(dict(schema))
    properties: Mapping[str, Any] = schema.get("properties") or {}
    required = schema.get("required") or ()
    made: list[tuple[str, JsonValue]] = []
    for name, part in properties.items():
        if not isinstance(part, dict):
            continue
        if name in base and name not in required:
            made.append((f"without {name}", {key: value for key, value in base.items() if key != name}))
        made += [
            (f"{name} = {str(value)[:40]}", {**base, name: value})
            for value in _promised(part, base.get(name))
            if base.get(name) != value
        ]
    return [(words, value) for words, value in made if validator.is_valid(value)]


def _promised(part: Mapping[str, Any], now: JsonValue) -> Iterator[JsonValue]:
    """Values of one property that have to be taken."""
    if "enum" in part:
        yield from part["enum"]
    elif part.get("type") == "boolean":
        yield from (True, False)
    elif part.get("type") in ("integer", "number") and {"minimum", "maximum"} <= part.keys():
        low, high = part["minimum"], part["maximum"]
        if high - low <= WIDEST:
            yield from (low, high)
    elif part.get("type") == "string" and isinstance(now, str) and now and not {"pattern", "format"} & part.keys():
        yield now[: max(1, part.get("minLength", 1))]
        most = part.get("maxLength", 0)
        if len(now) < most <= LONGEST:
            yield (f"{now} " * (most // (len(now) + 1) + 1))[:most].rstrip().ljust(most, now[-1])


def _examples(part: Any, *, needed: bool) -> list[JsonValue]:
    """The examples of a property; of one that is needed and has none, the values that it can only have."""
    if not isinstance(part, dict):
        return []
    if part.get("examples"):
        return list(part["examples"])
    return [part["const"]] if needed and "const" in part else list(part.get("enum", ())) if needed else []
