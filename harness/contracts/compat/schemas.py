"""Does one JSON Schema take everything another took? With a value that shows it when not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import jsonschema_rs
from jsonschema_rs.canonical import Containment
from pydantic import JsonValue

from harness.contracts.compat.witness import candidates


class Relation(StrEnum):
    """What is known about two schemas. UNKNOWN is never taken for compatible."""

    COMPATIBLE = "compatible"
    BROKEN = "broken"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Comparison:
    """The answer, with its proof: for BROKEN a `witness` that only the wider schema takes, where one was
    found, and always `lost`, the schema of everything that is no longer taken, where it can be written."""

    relation: Relation
    witness: JsonValue = None
    has_witness: bool = False
    reason: str = ""
    lost: JsonValue = None


def takes_all(
    narrow: Mapping[str, Any] | bool, wide: Mapping[str, Any] | bool, *, samples: Iterable[JsonValue] = ()
) -> Comparison:
    """Whether `narrow` takes every value that `wide` takes.

    The algebra of jsonschema-rs decides first; where it cannot (patterns, some formats, recursion), values at
    the corners of both schemas and the given `samples` are tried. A value that `wide` takes and `narrow`
    refuses is proof, whatever the algebra says; without one, UNKNOWN stays UNKNOWN.
    """
    old, new = _plain(wide), _plain(narrow)
    if old == new:
        return Comparison(Relation.COMPATIBLE)
    try:
        before = jsonschema_rs.canonicalize(old, validate_formats=True)
        after = jsonschema_rs.canonicalize(new, validate_formats=True)
        contained = after.covers(before)
        lost: Any = before.subtract(after).to_json_schema() if contained is not Containment.YES else None
        reason = "" if contained is not Containment.UNKNOWN else "the schemas cannot be compared by algebra"
    except (
        jsonschema_rs.ValidationError,
        jsonschema_rs.canonical.CanonicalizationError,
        ValueError,
    ) as error:
        contained, lost = Containment.UNKNOWN, None
        reason = f"the schemas cannot be compared: {' '.join(str(error).split())[:200]}"
    if contained is Containment.YES:
        return Comparison(Relation.COMPATIBLE)
    found = _witness(old, new, lost, samples)
    if found is not None:
        return Comparison(Relation.BROKEN, found.value, True, "", lost)
    if contained is Containment.NO:
        return Comparison(Relation.BROKEN, reason="proved by algebra; no small example found", lost=lost)
    return Comparison(Relation.UNKNOWN, reason=reason, lost=lost)


@dataclass(frozen=True)
class _Found:
    value: JsonValue


def _witness(old: Any, new: Any, lost: Any, samples: Iterable[JsonValue]) -> _Found | None:
    """The shortest value known that `old` takes and `new` refuses."""
    try:
        accepts = jsonschema_rs.validator_for(old, validate_formats=True)
        refuses = jsonschema_rs.validator_for(new, validate_formats=True)
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError):
        return None
    tried = [*(candidates(lost) if lost is not None else ()), *candidates(old), *candidates(new), *samples]
    shown = [value for value in tried if accepts.is_valid(value) and not refuses.is_valid(value)]
    return _Found(min(shown, key=lambda value: (len(repr(value)), repr(value)))) if shown else None


def _plain(schema: Mapping[str, Any] | bool) -> Any:
    """The schema without what says nothing about values."""
    return _stripped(dict(schema)) if isinstance(schema, Mapping) else schema


SILENT = frozenset({"title", "description", "examples", "example", "default", "deprecated", "$comment", "$id"})


def _stripped(node: Any, *, names: bool = False) -> Any:
    """`node` without annotations; with `names` its keys are property names, which are kept whatever they
    are called."""
    if isinstance(node, list):
        return [_stripped(item) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {}
    for key, value in node.items():
        if not names and key in SILENT:
            continue
        if not names and key in ("enum", "const", "required"):
            kept[key] = value
        else:
            holds_names = not names and key in ("properties", "$defs", "definitions", "patternProperties")
            kept[key] = _stripped(value, names=holds_names)
    return kept
