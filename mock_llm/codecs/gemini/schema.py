"""Gemini's Schema (a part of OpenAPI 3.0, types in capitals) as JSON Schema."""

from __future__ import annotations

from typing import Any

from mock_llm.codecs._gemini import invalid
from mock_llm.codecs._gemini_messages import message

TYPES = ("STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL", "TYPE_UNSPECIFIED")
_COUNTS = ("maxItems", "minItems", "minProperties", "maxProperties", "minLength", "maxLength")
_PLAIN = (*_COUNTS, "format", "title", "description", "enum", "required", "pattern", "default", "minimum", "maximum")


def json_schema(spec: dict[str, Any], where: str) -> dict[str, Any]:
    """The same as JSON Schema, of a checked message. Raises ApiError (400) for a type that there is not."""
    found: dict[str, Any] = {name: spec[name] for name in _PLAIN if spec.get(name) is not None}
    kind = str(spec.get("type") or "").upper()
    if kind and kind not in TYPES:
        raise invalid(
            f"Invalid value at '{where}.type' (type.googleapis.com/google.ai.generativelanguage.v1beta.Type), "
            f'"{spec["type"]}"',
            f"{where}.type",
        )
    if kind and kind != "TYPE_UNSPECIFIED":
        nullable = spec.get("nullable") is True and kind != "NULL"
        found["type"] = [kind.lower(), "null"] if nullable else kind.lower()
    for name in ("properties", "$defs"):
        if name in spec:
            found[name] = {
                key: json_schema(part, f"{where}.{name}[{i}].value") for i, (key, part) in enumerate(spec[name].items())
            }
    if spec.get("items") is not None:
        found["items"] = json_schema(spec["items"], f"{where}.items")
    either = spec.get("anyOf")
    if either:
        found["anyOf"] = [json_schema(part, f"{where}.any_of[{i}]") for i, part in enumerate(either)]
    if spec.get("$ref") or spec.get("ref"):
        found["$ref"] = spec.get("$ref") or spec["ref"]
    more = spec.get("additionalProperties")
    if more is not None:
        at = f"{where}.additional_properties"
        found["additionalProperties"] = json_schema(message(more, "Schema", at), at) if isinstance(more, dict) else more
    return found
