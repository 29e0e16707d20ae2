"""Values of Kafka messages: JSON text, or what a schema registry's writer put before it.

0x00 | schema id, 4 bytes, big-endian | JSON text or Avro binary     (Confluent's wire format)
"""

from __future__ import annotations

import io
import json
import struct
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx
from pydantic import JsonValue

from harness.core.errors import ConfigError, InfraError

_FRAME = struct.Struct(">bI")


class Unreadable(Exception):
    """The bytes are not what their schema says; the text says why."""


@dataclass
class EventCodec:
    """Writes task events by a subject's schema and reads events by the schema that they name.

    Without a registry values are bare JSON. `own` is the subject's schema as JSON text, which is registered as any
    producer would; without it the newest that is registered counts.
    """

    http: httpx.AsyncClient
    registry: str | None
    headers: dict[str, str]
    own: str = ""
    _schemas: dict[int, tuple[str, Any]] = field(default_factory=dict)

    async def encode(self, event: dict[str, Any], subject: str | None) -> bytes:
        """The event as bytes. Raises InfraError where the registry cannot be asked, ConfigError where `event` does
        not fit the subject's schema."""
        if self.registry is None:
            return json.dumps(event).encode()
        number, kind, schema = await self._writers(subject)
        self._schemas[number] = kind, schema
        head = _FRAME.pack(0, number)
        if kind == "JSON":
            return head + json.dumps(event).encode()
        import fastavro

        out = io.BytesIO()
        try:
            fastavro.schemaless_writer(out, fastavro.parse_schema(schema), _timed(event, schema), strict=False)
        except (ValueError, TypeError, LookupError) as error:
            raise ConfigError(
                f"the event does not fit {subject}: {error}", hint="correct `event` of [.queue] in windtunnel.toml"
            ) from None
        return head + out.getvalue()

    async def decode(self, data: bytes) -> JsonValue:
        """What the bytes say. Raises Unreadable, InfraError."""
        if self.registry is None:
            return _json(data)
        if len(data) < _FRAME.size or data[0] != 0:
            raise Unreadable("not in the wire format of the schema registry")
        number = _FRAME.unpack_from(data)[1]
        if number not in self._schemas:
            found = await self._ask(f"/schemas/ids/{number}")
            self._schemas[number] = str(found.get("schemaType") or "AVRO"), json.loads(found["schema"])
        kind, schema = self._schemas[number]
        if kind == "JSON":
            return _valid(_json(data[_FRAME.size :]), schema)
        import fastavro

        body = io.BytesIO(data[_FRAME.size :])
        try:
            row = fastavro.schemaless_reader(body, fastavro.parse_schema(schema), None)
        except Exception as error:  # fastavro says it in no single way
            raise Unreadable(f"schema {number} does not read it: {type(error).__name__}: {error}") from None
        if body.read(1):
            raise Unreadable(f"schema {number} leaves bytes over")
        shown: JsonValue = json.loads(json.dumps(row, default=str))
        return shown

    async def _writers(self, subject: str | None) -> tuple[int, str, Any]:
        """The schema that task events are written by: its id, kind and text."""
        if not self.own:
            found = await self._ask(f"/subjects/{subject}/versions/latest")
            return int(found["id"]), str(found.get("schemaType") or "AVRO"), json.loads(found["schema"])
        schema = json.loads(self.own)
        kind = "JSON" if "$schema" in schema or "properties" in schema else "AVRO"
        found = await self._ask(f"/subjects/{subject}/versions", {"schema": self.own, "schemaType": kind})
        return int(found["id"]), kind, schema

    async def _ask(self, path: str, body: dict[str, str] | None = None) -> dict[str, Any]:
        method = "GET" if body is None else "POST"
        try:
            answer = await self.http.request(method, f"{self.registry}{path}", json=body, headers=self.headers)
            answer.raise_for_status()
            found: dict[str, Any] = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise InfraError(f"the schema registry does not answer {path}: {error}") from None
        return found


def _json(data: bytes) -> JsonValue:
    try:
        found: JsonValue = json.loads(data)
    except ValueError as error:
        raise Unreadable(f"not JSON: {error}") from None
    return found


def _valid(value: JsonValue, schema: Any) -> JsonValue:
    import jsonschema_rs

    try:
        jsonschema_rs.validator_for(schema).validate(value)
    except jsonschema_rs.ValidationError as error:
        raise Unreadable(f"not what its schema says: {error.message}") from None
    return value


def _timed(event: dict[str, Any], schema: Any) -> dict[str, Any]:
    """The event with the texts of its timestamp fields as moments."""
    found = dict(event)
    for entry in schema.get("fields", ()):
        kinds = entry["type"] if isinstance(entry["type"], list) else [entry["type"]]
        timed = any(isinstance(k, dict) and str(k.get("logicalType", "")).startswith("timestamp") for k in kinds)
        if timed and isinstance(found.get(entry["name"]), str):
            found[entry["name"]] = datetime.fromisoformat(found[entry["name"]])
    return found
