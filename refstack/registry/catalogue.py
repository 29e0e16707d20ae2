"""The registry's tools: definitions in Redis, their schemas compiled once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

import jsonschema_rs
from redis.asyncio import Redis

from refstack.registry.model import ToolDefinition

KEY = "registry:tools"


@dataclass(frozen=True)
class Compiled:
    """A definition with its validators."""

    definition: ToolDefinition
    arguments: jsonschema_rs.Validator
    result: jsonschema_rs.Validator


@dataclass
class Catalogue:
    """Tools by name. Every replica of the registry reads the same hash, so none has to be told twice."""

    redis: Redis
    _compiled: dict[bytes, Compiled] = field(default_factory=dict)

    async def put(self, definition: ToolDefinition) -> None:
        """Register a tool, in place of an earlier version. Raises ValueError for a schema that is none."""
        compile_(definition)
        await self.redis.hset(KEY, definition.name, definition.model_dump_json())

    async def get(self, name: str) -> Compiled | None:
        """The tool called `name`, or None."""
        row = cast("bytes | None", await self.redis.hget(KEY, name))
        return None if row is None else self._of(row)

    async def all(self) -> list[ToolDefinition]:
        """Every tool, by name."""
        rows = cast("dict[bytes, bytes]", await self.redis.hgetall(KEY))
        return [self._of(rows[name]).definition for name in sorted(rows)]

    def _of(self, row: bytes) -> Compiled:
        if row not in self._compiled:
            self._compiled[row] = compile_(ToolDefinition.model_validate_json(row))
        return self._compiled[row]


def compile_(definition: ToolDefinition) -> Compiled:
    """A definition with its validators. Raises ValueError naming what is wrong with a schema."""
    try:
        return Compiled(
            definition,
            jsonschema_rs.Draft202012Validator(definition.parameters),
            jsonschema_rs.Draft202012Validator(definition.returns),
        )
    except jsonschema_rs.ValidationError as error:
        raise ValueError(f"{definition.name}: not a JSON Schema: {error.message}") from None


def complaint(validator: jsonschema_rs.Validator, value: object) -> str:
    """The first few things wrong with `value`; empty when it is valid."""
    rows = []
    for error in validator.iter_errors(value):
        where = "/".join(str(part) for part in error.instance_path)
        rows.append(f"{where or '(top)'}: {error.message}")
        if len(rows) == 3:
            break
    return "; ".join(rows)[:500]
