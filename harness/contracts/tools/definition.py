"""A tool as a registry lists it, whatever the dialect: ours, MCP's or OpenAI's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import jsonschema_rs
from pydantic import JsonValue

from harness.targets.fields import pick

LISTS = ("tools", "items", "data", "result.tools")


class UnreadableToolError(ValueError):
    """An entry of a registry that is no tool definition in any dialect."""


@dataclass(frozen=True)
class ToolDefinition:
    """What a tool promises: what it takes, what it gives back, and what is said about it."""

    name: str
    version: str = ""
    description: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    returns: Mapping[str, Any] | None = None
    annotations: Mapping[str, Any] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """Name and version, for people."""
        return f"{self.name}@{self.version}" if self.version else self.name

    def document(self) -> dict[str, JsonValue]:
        """The definition as it is kept in a baseline."""
        return {
            "name": self.name,
            "version": self.version,
            "description": self.description,
            "parameters": dict(self.parameters),
            "returns": None if self.returns is None else dict(self.returns),
            "annotations": dict(self.annotations),
        }


def listed(document: JsonValue) -> list[JsonValue]:
    """The entries of a tool list: a bare array, or one under a usual name; else UnreadableToolError."""
    if isinstance(document, list):
        return document
    for name in LISTS:
        found = pick(document, name)
        if isinstance(found, list):
            return found
        if isinstance(found, dict):
            return list(found.values())
    raise UnreadableToolError(f"no list of tools: neither an array nor an object with one of {', '.join(LISTS)}")


def read(entry: JsonValue) -> ToolDefinition:
    """One entry as a definition. Raises UnreadableToolError that says what is missing or wrong."""
    if isinstance(entry, dict) and isinstance(entry.get("function"), dict):
        entry = entry["function"]
    if not isinstance(entry, dict):
        raise UnreadableToolError(f"a tool is an object, not {type(entry).__name__}")
    name = entry.get("name")
    if not isinstance(name, str) or not name:
        raise UnreadableToolError("a tool without a `name`")
    parameters = _first(entry, "parameters", "inputSchema", "input_schema")
    returns = _first(entry, "returns", "outputSchema", "output_schema")
    if not isinstance(parameters, dict):
        raise UnreadableToolError(f"{name}: no schema for its arguments (`parameters` or `inputSchema`)")
    if returns is not None and not isinstance(returns, dict):
        raise UnreadableToolError(f"{name}: the schema of its result is no object")
    annotations = entry.get("annotations")
    return ToolDefinition(
        name=name,
        version=str(entry.get("version") or ""),
        description=str(entry.get("description") or ""),
        parameters=parameters,
        returns=returns,
        annotations=annotations if isinstance(annotations, dict) else {},
    )


def invalid(definition: ToolDefinition) -> Iterator[str]:
    """Why the schemas of a definition are no JSON Schemas, a sentence each."""
    for kind, schema in (("parameters", definition.parameters), ("returns", definition.returns)):
        if schema is None:
            continue
        try:
            jsonschema_rs.meta.validate(dict(schema))
            jsonschema_rs.validator_for(dict(schema))
        except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as error:
            yield f"{kind}: {' '.join(str(error).split())[:300]}"
    if definition.parameters.get("type", "object") != "object":
        yield f"parameters: type is {definition.parameters.get('type')!r}; arguments are always an object"


def _first(entry: Mapping[str, Any], *names: str) -> Any:
    return next((entry[name] for name in names if entry.get(name) is not None), None)
