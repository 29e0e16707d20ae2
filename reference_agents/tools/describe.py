"""Says in JSON Schema what a tool takes and gives back, without the parts that are the same everywhere."""

from __future__ import annotations

from typing import Any

from reference_agents.registry.model import ToolDefinition

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def text(description: str, *, most: int, least: int = 0, **more: Any) -> dict[str, Any]:
    """A string of `least` to `most` characters."""
    return {"type": "string", "minLength": least, "maxLength": most, "description": description, **more}


def whole(description: str, least: int, most: int, **more: Any) -> dict[str, Any]:
    """An integer from `least` to `most`."""
    return {"type": "integer", "minimum": least, "maximum": most, "description": description, **more}


def rows(description: str, item: dict[str, Any], *, most: int) -> dict[str, Any]:
    """An array of up to `most` items."""
    return {"type": "array", "maxItems": most, "description": description, "items": item}


def record(properties: dict[str, Any], *optional: str) -> dict[str, Any]:
    """An object with these properties and no others, all required but those named."""
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def define(
    name: str,
    description: str,
    takes: dict[str, Any],
    gives: dict[str, Any],
    url: str,
    base: str,
    *,
    read_only: bool = True,
    idempotent: bool = True,
    timeout_ms: int = 5000,
    rate_limit: int = 600,
) -> ToolDefinition:
    """The definition of a tool called at `url`/call whose process answers at `base`."""
    return ToolDefinition(
        name=name,
        version="1.0.0",
        description=description,
        parameters={"$schema": DIALECT, **takes},
        returns={"$schema": DIALECT, **gives},
        endpoint=f"{url}/call",
        health_url=f"{base}/health",
        timeout_ms=timeout_ms,
        rate_limit=rate_limit,
        annotations={"readOnly": read_only, "idempotent": idempotent, "destructive": False},
    )
