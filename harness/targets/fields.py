"""Templates for what is sent, and dotted paths into what comes back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import JsonValue


def fill(template: Any, values: Mapping[str, str]) -> Any:
    """`template` with every `{name}` in its strings replaced by its value; other braces stay."""
    if isinstance(template, str):
        for name, value in values.items():
            template = template.replace("{" + name + "}", value)
        return template
    if isinstance(template, dict):
        return {key: fill(value, values) for key, value in template.items()}
    if isinstance(template, list | tuple):
        return [fill(value, values) for value in template]
    return template


def pick(document: JsonValue, path: str) -> JsonValue:
    """The value at a dotted path (`result.task.id`, list indices as numbers), or None where there is none."""
    here: JsonValue = document
    for part in path.removeprefix("$.").split("."):
        if isinstance(here, dict):
            here = here.get(part)
        elif isinstance(here, list) and part.isdigit() and int(part) < len(here):
            here = here[int(part)]
        else:
            return None
    return here
