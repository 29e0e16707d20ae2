"""What changed between two lists of tools: in what they take, what they give, and what is said of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from pydantic import JsonValue

from harness.contracts.compat.changes import Change, Kind, request_change, response_change
from harness.contracts.tools.definition import ToolDefinition


def diff_tools(old: Sequence[ToolDefinition], new: Sequence[ToolDefinition]) -> list[Change]:
    """Every change from `old` to `new`.

    A version that is still served is compared with itself; one that is not, with the newest version served
    under its name: its callers have nothing else to call.
    """
    changes: list[Change] = []
    for before in old:
        after = _successor(before, new)
        if after is None:
            witness: JsonValue = {"tool": before.name, "version": before.version}
            changes.append(Change(Kind.BREAKING, before.label, "tool", "is no longer listed", witness, True))
        else:
            changes.extend(_diff(before, after))
    known = {(tool.name, tool.version) for tool in old}
    for tool in new:
        if (tool.name, tool.version) not in known:
            changes.append(Change(Kind.ADDITION, tool.label, "tool", "is new"))
    return changes


def _diff(before: ToolDefinition, after: ToolDefinition) -> Iterable[Change]:
    subject = before.label if before.version == after.version else f"{before.label} -> {after.version}"
    yield from request_change(subject, "parameters", before.parameters, after.parameters)
    yield from _silently_dropped(subject, before, after)
    if before.returns is not None and after.returns is None:
        yield Change(Kind.BREAKING, subject, "returns", "the result is no longer described")
    elif before.returns is None and after.returns is not None:
        yield Change(Kind.ADDITION, subject, "returns", "the result is described now")
    elif before.returns is not None and after.returns is not None:
        yield from response_change(subject, "returns", before.returns, after.returns)
    if before.annotations != after.annotations:
        yield Change(Kind.WORDING, subject, "annotations", f"{dict(before.annotations)} -> {dict(after.annotations)}")
    if before.description != after.description:
        yield Change(Kind.WORDING, subject, "description", f"{before.description!r} -> {after.description!r}")
    if _described(before) != _described(after):
        yield Change(Kind.WORDING, subject, "parameters", "a parameter is described in other words")


def _silently_dropped(subject: str, before: ToolDefinition, after: ToolDefinition) -> Iterable[Change]:
    """An open schema takes an argument it no longer knows, and ignores it: no validation will ever tell."""
    if after.parameters.get("additionalProperties") is False:
        return  # then the comparison of the schemas has found it
    gone = sorted(
        (before.parameters.get("properties") or {}).keys() - (after.parameters.get("properties") or {}).keys()
    )
    for name in gone:
        yield Change(
            Kind.BREAKING,
            subject,
            "parameters",
            f"`{name}` is no longer known: it is accepted and ignored",
            {name: None},
            True,
        )


def _described(tool: ToolDefinition) -> dict[str, str]:
    properties = tool.parameters.get("properties") or {}
    return {name: str(schema.get("description", "")) for name, schema in properties.items() if isinstance(schema, dict)}


def _successor(tool: ToolDefinition, served: Sequence[ToolDefinition]) -> ToolDefinition | None:
    named = [candidate for candidate in served if candidate.name == tool.name]
    same = next((candidate for candidate in named if candidate.version == tool.version), None)
    return same or max(named, key=lambda candidate: version_key(candidate.version), default=None)


def version_key(version: str) -> tuple[tuple[int, str], ...]:
    """A key that sorts `1.10` after `1.9` and text after numbers."""
    return tuple((int(part), "") if part.isdigit() else (1 << 30, part) for part in re.split(r"[.\-+]", version))
