"""The JSON Schema of a scenario file, for editors that complete and check YAML while it is typed."""

from __future__ import annotations

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
        schema["$defs"][name] = {"anyOf": [short, schema["$defs"][name]]}
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


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
