"""Arguments that the tool's schema, or JSON itself, does not allow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import orjson

from mock_llm.completion import Completion, ToolCall
from mock_llm.faults.fault import Fault, Hit, fault

_WRONG: Mapping[str, Any] = {
    "string": 12345,
    "integer": "twelve",
    "number": "a lot",
    "boolean": "perhaps",
    "array": "first, second",
    "object": "none",
    "null": "something",
}


@fault("tool_arguments")
@dataclass(frozen=True, slots=True)
class ToolArguments(Fault):
    """Spoil the arguments of every call of the answer.

    how: `not_json` ends them in the middle; `missing` leaves out a required property; `wrong_type` gives a
    property a value of another type; `extra` adds a property nobody declared; `empty` sends none at all.
    """

    how: Literal["not_json", "missing", "wrong_type", "extra", "empty"] = "not_json"

    def complete(self, completion: Completion, hit: Hit) -> Completion:
        def spoil(call: ToolCall) -> ToolCall:
            tool = hit.request.tool(call.name) if hit.request is not None else None
            return replace(call, arguments=self._spoiled(call.arguments, tool.parameters if tool else {}))

        blocks = completion.first.blocks
        return completion.with_blocks(*(spoil(b) if isinstance(b, ToolCall) else b for b in blocks))

    def _spoiled(self, text: str, schema: Mapping[str, Any]) -> str:
        if self.how == "empty":
            return ""
        if self.how == "not_json":
            end = text.rstrip().removesuffix("}")
            return end[: max(1, len(end) * 2 // 3)] if len(end) > 1 else "{"
        try:
            value = orjson.loads(text or "{}")
        except ValueError:
            return text
        if not isinstance(value, dict):
            return text
        properties = schema.get("properties") or {}
        required = [name for name in schema.get("required") or () if name in value]
        if self.how == "missing":
            value.pop((required or list(value) or [""])[0], None)
        elif self.how == "extra":
            value["x_unexpected"] = "surplus"
        else:
            name = (required or list(value) or list(properties) or ["value"])[0]
            declared = (properties.get(name) or {}).get("type", "string")
            kind = declared[0] if isinstance(declared, list) and declared else declared
            value[name] = _WRONG.get(str(kind), {"unexpected": True})
        return orjson.dumps(value).decode()
