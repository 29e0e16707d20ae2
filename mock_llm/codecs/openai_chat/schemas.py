"""JSON Schemas that OpenAI takes: an object at the root, valid, and under `strict` the smaller dialect."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import orjson

from mock_llm.codecs._openai import invalid

_KEYWORDS = frozenset(
    ("$defs", "$ref", "additionalProperties", "allOf", "anyOf", "const", "definitions", "enum", "format", "items",
     "not", "maxItems", "maxLength", "maxProperties", "maximum", "minItems", "minLength", "minProperties", "minimum",
     "multipleOf", "oneOf", "pattern", "patternProperties", "prefixItems", "properties", "propertyNames", "required",
     "type", "uniqueItems")
)  # fmt: skip


def check_schema(schema: Any, strict: bool, subject: str, param: str) -> None:
    """Raises ApiError (400, code invalid_function_parameters or invalid_json_schema)."""
    function = subject.startswith("function")
    code = "invalid_function_parameters" if function else "invalid_json_schema"
    if schema is None:
        return
    try:
        problem = _problem(orjson.dumps(schema), strict, function)
    except TypeError:
        problem = "the schema is not JSON."
    if problem:
        raise invalid(f"Invalid schema for {subject}: {problem}", param, code)


@lru_cache(maxsize=512)
def _problem(text: bytes, strict: bool, function: bool) -> str:
    schema = orjson.loads(text)
    if not isinstance(schema, dict):
        return "schema must be a JSON Schema of 'type: \"object\"'."
    if not _KEYWORDS.intersection(schema):
        # Nothing in it says anything: the empty schema, which is taken.
        return ""
    if schema.get("type") != "object" and not (schema.get("$ref") and not strict):
        got = schema.get("type")
        return f"schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{got}\"'."
    import jsonschema_rs

    try:
        jsonschema_rs.meta.validate(schema)
    except Exception as error:
        # The library raises its own ValidationError, or another error for an unknown $schema.
        return f"{str(error).splitlines()[0]}."
    return _strict(schema, ()) if strict else ""


def _strict(schema: Any, path: tuple[str, ...]) -> str:
    """The first thing that structured outputs do not allow, or nothing."""
    if not isinstance(schema, dict):
        return ""
    where = f"In context=({', '.join(repr(p) for p in path)}{',' if len(path) == 1 else ''}), "
    properties = schema.get("properties")
    if schema.get("type") == "object" or properties is not None:
        if schema.get("additionalProperties") is not False:
            return f"{where}'additionalProperties' is required to be supplied and to be false."
        missing = [name for name in properties or {} if name not in (schema.get("required") or ())]
        if missing:
            return (
                f"{where}'required' is required to be supplied and to be an array including every key in "
                f"properties. Missing '{missing[0]}'."
            )
    for name, item in (properties or {}).items():
        problem = _strict(item, (*path, "properties", name))
        if problem:
            return problem
    for word in ("items", "additionalItems"):
        problem = _strict(schema.get(word), (*path, word))
        if problem:
            return problem
    for word in ("anyOf", "allOf"):
        for index, item in enumerate(schema.get(word) or ()):
            problem = _strict(item, (*path, word, str(index)))
            if problem:
                return problem
    for word in ("$defs", "definitions"):
        for name, item in (schema.get(word) or {}).items():
            problem = _strict(item, (*path, word, name))
            if problem:
                return problem
    return ""
