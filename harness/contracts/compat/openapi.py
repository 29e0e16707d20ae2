"""What changed between two OpenAPI descriptions of one service, seen from its clients."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import JsonValue

from harness.contracts.compat.changes import Change, Kind, request_change, response_change
from harness.contracts.http.declared import Operation, operations
from harness.contracts.references import inlined, standalone


def diff_openapi(old: dict[str, Any], new: dict[str, Any]) -> list[Change]:
    """Every change from `old` to `new`: operations, parameters, bodies, answers."""
    before = {operation.label: operation for operation in operations(old)}
    after = {operation.label: operation for operation in operations(new)}
    changes: list[Change] = []
    for label, operation in before.items():
        if label not in after:
            witness: JsonValue = {"method": operation.method, "path": operation.path}
            changes.append(Change(Kind.BREAKING, label, "operation", "is gone", witness, True))
            continue
        changes.extend(_parameters(operation, old, after[label], new))
        changes.extend(_body(operation, old, after[label], new))
        changes.extend(_responses(operation, old, after[label], new))
        if not operation.secured and after[label].secured:
            changes.append(Change(Kind.BREAKING, label, "security", "asks for credentials now"))
    changes.extend(Change(Kind.ADDITION, label, "operation", "is new") for label in after if label not in before)
    return changes


def _parameters(before: Operation, old: Any, after: Operation, new: Any) -> Iterator[Change]:
    was = {(p.get("in"), p.get("name")): p for p in before.parameters}
    now = {(p.get("in"), p.get("name")): p for p in after.parameters}
    for key, parameter in now.items():
        place = f"{key[0]} parameter `{key[1]}`"
        earlier = was.get(key)
        if earlier is None:
            kind = Kind.BREAKING if parameter.get("required") else Kind.ADDITION
            text = "is new and required" if kind is Kind.BREAKING else "is new"
            yield Change(kind, before.label, place, text, {}, kind is Kind.BREAKING)
            continue
        if parameter.get("required") and not earlier.get("required"):
            yield Change(Kind.BREAKING, before.label, place, "is required now", {}, True)
        yield from request_change(
            before.label,
            place,
            _schema(earlier.get("schema", True), old),
            _schema(parameter.get("schema", True), new),
        )
    for key in was:
        if key not in now:
            yield Change(
                Kind.BREAKING,
                before.label,
                f"{key[0]} parameter `{key[1]}`",
                "is no longer known",
                {str(key[1]): None},
                True,
            )


def _body(before: Operation, old: Any, after: Operation, new: Any) -> Iterator[Change]:
    was = inlined(before.spec.get("requestBody") or {}, old)
    now = inlined(after.spec.get("requestBody") or {}, new)
    if not was and now.get("required"):
        yield Change(Kind.BREAKING, before.label, "body", "is new and required", None, True)
    elif was and now.get("required") and not was.get("required"):
        yield Change(Kind.BREAKING, before.label, "body", "is required now", None, True)
    raw_was = _content(before.spec.get("requestBody") or {}, old)
    raw_now = _content(after.spec.get("requestBody") or {}, new)
    for media, schema in raw_was.items():
        if media not in raw_now:
            yield Change(Kind.BREAKING, before.label, f"body {media}", "is no longer accepted", media, True)
        else:
            yield from request_change(before.label, f"body {media}", schema, raw_now[media])


def _responses(before: Operation, old: Any, after: Operation, new: Any) -> Iterator[Change]:
    was, now = before.spec.get("responses") or {}, after.spec.get("responses") or {}
    for status, response in was.items():
        place = f"response {status}"
        if status not in now:
            if str(status).startswith("2"):
                yield Change(Kind.BREAKING, before.label, place, "is no longer given", str(status), True)
            else:
                yield Change(Kind.ADDITION, before.label, place, "is no longer given")
            continue
        schemas, later = _content(response, old), _content(now[status], new)
        for media, schema in schemas.items():
            if media not in later:
                yield Change(Kind.BREAKING, before.label, f"{place} {media}", "is no longer given", media, True)
            else:
                yield from response_change(before.label, f"{place} {media}", schema, later[media])
    for status in now:
        if status not in was:
            yield Change(Kind.ADDITION, before.label, f"response {status}", "is new")


def _content(holder: Any, document: Any) -> dict[str, Any]:
    """Media type to schema of a body or a response, each schema able to stand alone."""
    if isinstance(holder, dict) and "$ref" in holder:
        holder = inlined(holder, document)
    content = holder.get("content") or {}
    return {media: _schema(value.get("schema", True), document) for media, value in content.items()}


def _schema(schema: Any, document: Any) -> Any:
    return _nullable(standalone(schema, document))


def _nullable(node: Any) -> Any:
    """OpenAPI 3.0's `nullable: true` in the words of JSON Schema."""
    if isinstance(node, list):
        return [_nullable(item) for item in node]
    if not isinstance(node, dict):
        return node
    result = {key: _nullable(value) for key, value in node.items() if key != "nullable"}
    return {"anyOf": [result, {"type": "null"}]} if node.get("nullable") is True else result
