"""Which checks an OpenAPI description gives reason for, operation by operation.

Schemathesis counts a check that had nothing to look at as a success; a promise that was not made must not
turn a report green.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from harness.contracts.references import inlined

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


@dataclass(frozen=True)
class Operation:
    """One operation of a description, its references followed."""

    label: str  # "POST /tasks", as Schemathesis names it
    method: str
    path: str
    spec: dict[str, Any]
    parameters: tuple[dict[str, Any], ...]
    secured: bool


def operations(description: dict[str, Any]) -> Iterator[Operation]:
    """Every operation of `description`."""
    for path, raw in (description.get("paths") or {}).items():
        item = inlined(raw, description) if isinstance(raw, dict) and "$ref" in raw else raw
        for method in METHODS:
            spec = item.get(method) if isinstance(item, dict) else None
            if not isinstance(spec, dict):
                continue
            parameters = inlined([*item.get("parameters", ()), *spec.get("parameters", ())], description)
            security = spec.get("security", description.get("security")) or []
            yield Operation(
                f"{method.upper()} {path}",
                method.upper(),
                path,
                spec,
                tuple(parameter for parameter in parameters if isinstance(parameter, dict)),
                bool(security) and {} not in security,
            )


class Declared:
    """Answers whether a check has something to look at."""

    def __init__(self, description: dict[str, Any]) -> None:
        self._operations = {operation.label: operation for operation in operations(description)}
        self._description = description
        # A DELETE that answers nothing but 202 has only taken a request to end something (RFC 9110, 9.3.5): it stays.
        self._deletes = any(
            operation.method == "DELETE" and {"200", "204", "2XX"} & set(operation.spec.get("responses") or {})
            for operation in self._operations.values()
        )
        self._creates = any(operation.method in ("POST", "PUT") for operation in self._operations.values())

    def applies(self, check: str, label: str) -> bool:
        """True when the description gives `check` a reason on the operation called `label`."""
        operation = self._operations.get(label)
        if operation is None:
            return True
        in_path = any(parameter.get("in") == "path" for parameter in operation.parameters)
        if check == "ignored_auth":
            return operation.secured
        if check == "object_level_authorization":
            return False  # needs two identities
        if check == "missing_required_header":
            return any(p.get("in") == "header" and p.get("required") for p in operation.parameters)
        if check == "response_headers_conformance":
            responses = inlined(operation.spec.get("responses") or {}, self._description)
            return any(isinstance(response, dict) and response.get("headers") for response in responses.values())
        if check == "use_after_free":
            return self._deletes and in_path
        if check == "ensure_resource_availability":
            return self._creates and in_path
        if check in ("negative_data_rejection", "positive_data_acceptance"):
            return bool(operation.parameters) or "requestBody" in operation.spec
        return True
