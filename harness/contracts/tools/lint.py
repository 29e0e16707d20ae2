"""What makes a tool hard to call right: found in its definition, before any model sees it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from harness.contracts.tools.definition import ToolDefinition
from harness.core.registry import Registry

Rule = Callable[[ToolDefinition], Iterator[str]]
RULES: Registry[Rule] = Registry("lint rule")
"""Every rule yields one sentence for each place it objects to."""

NAME = re.compile(r"^[A-Za-z0-9_-]{1,64}$")  # what both OpenAI and Anthropic accept as a tool name


@RULES.register("name")
def usable_name(tool: ToolDefinition) -> Iterator[str]:
    """Providers refuse a whole request over one bad tool name."""
    if not NAME.match(tool.name):
        yield f"the name {tool.name!r} is refused by LLM providers: use letters, digits, _ and -, at most 64"


@RULES.register("description")
def described(tool: ToolDefinition) -> Iterator[str]:
    """The description is all a model knows about when to call a tool."""
    if len(tool.description.split()) < 3:
        yield "the tool has no description that says when to call it"


@RULES.register("parameter-descriptions")
def described_parameters(tool: ToolDefinition) -> Iterator[str]:
    """A model fills an undescribed parameter by guessing from its name."""
    for name, schema in _properties(tool):
        if not schema.get("description") and "$ref" not in schema:
            yield f"parameter `{name}` has no description"


@RULES.register("closed")
def closed(tool: ToolDefinition) -> Iterator[str]:
    """Only a closed object can tell an invented argument from a known one."""
    if all(tool.parameters.get(word) is not False for word in ("additionalProperties", "unevaluatedProperties")):
        yield "additional arguments are accepted: set additionalProperties to false"


@RULES.register("bounds")
def bounded(tool: ToolDefinition) -> Iterator[str]:
    """A model sometimes sends a million of something."""
    for name, schema in _properties(tool):
        kinds = schema.get("type")
        if "enum" in schema or "const" in schema:
            continue
        if kinds == "string" and not {"maxLength", "format", "pattern"} & schema.keys():
            yield f"string parameter `{name}` has no maxLength"
        if kinds in ("integer", "number") and not {"maximum", "exclusiveMaximum"} & schema.keys():
            yield f"number parameter `{name}` has no maximum"
        if kinds == "array" and "maxItems" not in schema:
            yield f"array parameter `{name}` has no maxItems"


@RULES.register("required")
def required_exist(tool: ToolDefinition) -> Iterator[str]:
    """A required argument that is not described can never be given."""
    known = {name for name, _ in _properties(tool)}
    for name in tool.parameters.get("required") or ():
        if name not in known and tool.parameters.get("additionalProperties") is False:
            yield f"`{name}` is required but not among the properties, and no others are allowed"


@RULES.register("returns")
def result_described(tool: ToolDefinition) -> Iterator[str]:
    """Without a schema of the result nobody can check what comes back."""
    if tool.returns is None:
        yield "the result has no schema (`returns` or `outputSchema`)"


def _properties(tool: ToolDefinition) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, schema in (tool.parameters.get("properties") or {}).items():
        if isinstance(schema, dict):
            yield name, schema


def lint(tool: ToolDefinition) -> list[tuple[str, str]]:
    """Every objection to `tool` as (rule, sentence), in the order of the rules' names."""
    return [(name, text) for name, rule in RULES for text in rule(tool)]
