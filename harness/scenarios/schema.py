"""The JSON Schema of a scenario file, for editors that complete and check YAML while it is typed."""

from __future__ import annotations

import copy
import json
from typing import Any

from harness.scenarios.model import Scenario

FILE = "scenario.schema.json"


def schema_text() -> str:
    """The schema as it lies in scenarios/scenario.schema.json; a test keeps the two in step."""
    schema = Scenario.model_json_schema(by_alias=True)
    # Short forms (`- status: completed`, `- recovery`) are unfolded before validation, which the models'
    # own schema cannot know; an editor must not underline them.
    for name, field in ((name, field) for name, fields in SHORT_FIELDS.items() for field in fields):
        described = schema["$defs"][name]["properties"][field]
        schema["$defs"][name]["properties"][field] = {**_TEXTS, "description": described["description"]}
    for name, short in SHORT_FORMS.items():
        schema["$defs"][name] = {"anyOf": [copy.deepcopy(short), schema["$defs"][name]]}
    _fillable(schema)
    schema["properties"] |= COMPOSED
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _fillable(part: Any) -> None:
    """A number, a switch or one word of a list may be left to the file's matrix."""
    if isinstance(part, list):
        for item in part:
            _fillable(item)
    elif isinstance(part, dict):
        for value in part.values():
            _fillable(value)
        if part.get("type") in ("integer", "number", "boolean") or "enum" in part:
            about = {key: part.pop(key) for key in ("description", "title", "default") if key in part}
            plain = dict(part)
            part.clear()
            part |= {**about, "anyOf": [plain, {"type": "string", "pattern": r"^\$\{\w+\}$"}]}


_SCALAR: dict[str, Any] = {"type": ["string", "number", "boolean"]}
COMPOSED: dict[str, Any] = {
    "include": {
        "description": "parts of this scenario in other files, relative to this one; what stands here goes first",
        "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}],
    },
    "matrix": {
        "description": "one scenario for each combination (or each row), with ${name} filled in",
        "anyOf": [
            {"type": "object", "additionalProperties": {"type": "array", "items": _SCALAR, "minItems": 1}},
            {"type": "array", "items": {"type": "object", "additionalProperties": _SCALAR}, "minItems": 1},
        ],
    },
}
_TEXTS: dict[str, Any] = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
_NUMBER: dict[str, Any] = {"type": "number"}
SHORT_FIELDS: dict[str, tuple[str, ...]] = {"Output": ("contains", "lacks"), "Status": ("is",)}
SHORT_FORMS: dict[str, dict[str, Any]] = {
    "Status": _TEXTS,
    "Output": {"type": "string"},
    "ExpectedCall": {"type": "string"},
    "Trajectory": {"type": "array", "items": {"$ref": "#/$defs/ExpectedCall"}},
    "Steps": _NUMBER,
    "Tokens": _NUMBER,
    "ModelCalls": _NUMBER,
    "Duration": _NUMBER,
    "NoLeak": _TEXTS,
    "Repeat": {"type": "integer", "minimum": 1},
    "Assertion": {"type": "string"},
    "Fallback": {"type": "null"},
    "Traced": {"type": "null"},
    "Retries": {"type": "null"},
}

if __name__ == "__main__":
    import sys

    sys.stdout.write(schema_text())
