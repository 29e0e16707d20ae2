"""Whether a schema may follow others, for Avro and JSON Schema. Pure.

| level      | who must be able to read what                       |
|------------|-----------------------------------------------------|
| BACKWARD   | the new schema, what the last one wrote             |
| FORWARD    | the last schema, what the new one writes            |
| FULL       | both                                                |
| *_TRANSITIVE | the same with every earlier schema, not only the last |
| NONE       | nobody anything                                     |

Confluent, "Schema Evolution and Compatibility".
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

import jsonschema_rs
from jsonschema_rs.canonical import CanonicalizationError, Containment


class Level(StrEnum):
    """A subject's promise about its versions."""

    BACKWARD = "BACKWARD"
    BACKWARD_TRANSITIVE = "BACKWARD_TRANSITIVE"
    FORWARD = "FORWARD"
    FORWARD_TRANSITIVE = "FORWARD_TRANSITIVE"
    FULL = "FULL"
    FULL_TRANSITIVE = "FULL_TRANSITIVE"
    NONE = "NONE"


class Kind(StrEnum):
    """A schema's language."""

    AVRO = "AVRO"
    JSON = "JSON"


class InvalidSchema(Exception):
    """The text is not a schema of its kind."""


def canonical(kind: Kind, text: str) -> str:
    """`text` without what makes no difference to it, so that one schema has one id. Raises InvalidSchema."""
    try:
        data = json.loads(text)
    except ValueError as error:
        raise InvalidSchema(f"not JSON: {error}") from None
    if kind is Kind.AVRO:
        _avro(data)
    else:
        try:
            jsonschema_rs.validator_for(data)
        except (ValueError, jsonschema_rs.ValidationError) as error:
            raise InvalidSchema(" ".join(str(error).split())[:300]) from None
    return json.dumps(data, sort_keys=kind is Kind.JSON, separators=(",", ":"))


def problems(kind: Kind, level: Level, new: str, earlier: Sequence[str]) -> list[str]:
    """Why `new` may not follow `earlier` (oldest first); nothing where it may.

    That a comparison was not possible is a problem too: what is not known to be compatible is not.
    """
    if level is Level.NONE or not earlier:
        return []
    against = earlier if level.endswith("_TRANSITIVE") else earlier[-1:]
    word = level.partition("_")[0]
    found: list[str] = []
    for old in against:
        if word in ("BACKWARD", "FULL"):
            found += [f"the new schema cannot read what an earlier one wrote: {why}" for why in _reads(kind, new, old)]
        if word in ("FORWARD", "FULL"):
            found += [f"an earlier schema cannot read what the new one writes: {why}" for why in _reads(kind, old, new)]
    return found


def _reads(kind: Kind, reader: str, writer: str) -> list[str]:
    return _avro_reads(reader, writer) if kind is Kind.AVRO else _json_reads(reader, writer)


def _avro(data: Any) -> Any:
    import avro.schema

    try:
        return avro.schema.make_avsc_object(data)
    except avro.errors.AvroException as error:
        raise InvalidSchema(str(error)[:300]) from None


def _avro_reads(reader: str, writer: str) -> list[str]:
    from avro.compatibility import ReaderWriterCompatibilityChecker, SchemaCompatibilityType

    checker: Any = ReaderWriterCompatibilityChecker
    found = checker().get_compatibility(_avro(json.loads(reader)), _avro(json.loads(writer)))
    if found.compatibility is SchemaCompatibilityType.compatible:
        return []
    kinds = ", ".join(sorted(str(each.name) for each in found.incompatibilities))
    return [f"{kinds} at {', '.join(sorted(found.locations))}: {'; '.join(sorted(found.messages))}"]


def _json_reads(reader: str, writer: str) -> list[str]:
    """Whether everything that `writer` allows, `reader` takes.

    Taken at its word, an open object allows any other property with any value, so that to name one more optional
    property would break it; nobody means that. So the schemas are compared as they stand and, where that fails,
    with the objects closed that do not say whether they are.
    """
    wide, narrow = json.loads(writer), json.loads(reader)
    contained = _covers(narrow, wide)
    if contained is not Containment.YES:
        contained = max(contained, _covers(_closed(narrow), _closed(wide)), key=_ORDER.index)
    if contained is Containment.YES:
        return []
    return ["not every value stays valid" if contained is Containment.NO else "the schemas cannot be compared"]


_ORDER = [Containment.NO, Containment.UNKNOWN, Containment.YES]


def _covers(narrow: Any, wide: Any) -> Containment:
    try:
        return jsonschema_rs.canonicalize(narrow).covers(jsonschema_rs.canonicalize(wide))
    except (CanonicalizationError, ValueError, jsonschema_rs.ValidationError):
        return Containment.UNKNOWN


def _closed(schema: Any) -> Any:
    """The schema with `additionalProperties: false` on each object that has properties and does not say."""
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {
        name: value if name in ("enum", "const", "default", "examples") else _closed(value)
        for name, value in schema.items()
    }
    if isinstance(closed.get("properties"), dict) and closed.get("type") == "object":
        closed.setdefault("additionalProperties", False)
    return closed
