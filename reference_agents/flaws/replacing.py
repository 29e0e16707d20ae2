"""Makes an object of a flawed kind that shares every collaborator of the healthy one."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, TypeVar

T = TypeVar("T")


def as_kind(kind: type[T], healthy: Any) -> T:
    """A `kind` (a dataclass derived from the healthy one's, without new required fields) with the same fields."""
    return kind(**{field.name: getattr(healthy, field.name) for field in fields(healthy) if field.init})
