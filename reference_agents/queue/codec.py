"""Events to bytes and back, in Confluent's wire format, as Avro or as JSON.

    0x00 | schema id, 4 bytes, big-endian | Avro binary, or JSON text

The id says which schema the bytes were written by, so a reader understands what older and newer writers send.
"""

from __future__ import annotations

import functools
import io
import json
import struct
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeVar

import fastavro
import httpx
from fastavro.read import SchemaResolutionError
from fastavro.schema import SchemaParseException, UnknownType
from pydantic import ValidationError

from reference_agents.queue.events import Event

Format = Literal["AVRO", "JSON"]
E = TypeVar("E", bound=Event)
_HEADER = struct.Struct(">bI")
# What fastavro raises over bytes that another schema wrote, or none: it says so in no single way.
_BROKEN = (
    ValueError,
    LookupError,
    TypeError,
    ArithmeticError,
    EOFError,
    MemoryError,
    SchemaResolutionError,
    SchemaParseException,
    UnknownType,
)


class Undecodable(Exception):
    """The bytes are no event of the kind that was asked for, and never will be."""


class RegistryAway(Exception):
    """The schema registry cannot be asked at present."""


class Schemas(Protocol):
    """Where schemas have their ids."""

    async def register(self, subject: str, kind: Format, schema: dict[str, Any]) -> int:
        """The schema's id. Raises RegistryAway, ValueError where the schema breaks what the subject promises."""

    async def by_id(self, number: int) -> tuple[Format, dict[str, Any]] | None:
        """The schema of an id; None where there is none. Raises RegistryAway."""


@dataclass
class HttpSchemas:
    """A schema registry over HTTP."""

    http: httpx.AsyncClient
    url: str
    timeout_s: float = 3.0

    async def register(self, subject: str, kind: Format, schema: dict[str, Any]) -> int:
        """See Schemas."""
        body = {"schema": json.dumps(schema), "schemaType": kind}
        answer = await self._ask("POST", f"/subjects/{subject}/versions", body)
        if answer.status_code != 200:
            raise ValueError(f"{subject}: {answer.json().get('message', answer.status_code)}")
        return int(answer.json()["id"])

    async def by_id(self, number: int) -> tuple[Format, dict[str, Any]] | None:
        """See Schemas."""
        answer = await self._ask("GET", f"/schemas/ids/{number}")
        if answer.status_code == 404:
            return None
        body = answer.json()
        return body.get("schemaType", "AVRO"), json.loads(body["schema"])

    async def _ask(self, method: str, path: str, body: dict[str, str] | None = None) -> httpx.Response:
        try:
            answer = await self.http.request(
                method,
                self.url.rstrip("/") + path,
                json=body,
                timeout=self.timeout_s,
                extensions={"audience": "schema-registry"},
            )
        except httpx.HTTPError as error:
            raise RegistryAway(type(error).__name__) from None
        if answer.status_code >= 500:
            raise RegistryAway(f"HTTP {answer.status_code}")
        return answer


@functools.cache
def _own(kind: type[Event]) -> Any:
    return fastavro.parse_schema(kind.avro_schema())


@dataclass
class EventCodec:
    """Encodes and decodes; each schema is asked for once."""

    schemas: Schemas
    _ids: dict[tuple[type[Event], Format], int] = field(default_factory=dict)
    _written: dict[int, tuple[Format, Any]] = field(default_factory=dict)

    async def encode(self, event: Event, kind: Format = "AVRO") -> bytes:
        """The event in Confluent's wire format. Raises RegistryAway, ValueError (see Schemas.register)."""
        number = await self._id(type(event), kind)
        if kind == "JSON":
            return _HEADER.pack(0, number) + event.model_dump_json().encode()
        out = io.BytesIO()
        out.write(_HEADER.pack(0, number))
        fastavro.schemaless_writer(out, _own(type(event)), event.model_dump())
        return out.getvalue()

    async def decode(self, data: bytes, kind: type[E]) -> E:
        """The event of `kind` in `data`. Raises Undecodable, RegistryAway."""
        if len(data) < _HEADER.size or data[0] != 0:
            raise Undecodable("not in the registry's wire format")
        number = _HEADER.unpack_from(data)[1]
        if number not in self._written:
            found = await self.schemas.by_id(number)
            if found is None:
                raise Undecodable(f"schema {number} is not registered")
            form, schema = found
            try:
                self._written[number] = form, fastavro.parse_schema(schema) if form == "AVRO" else schema
            except _BROKEN:
                raise Undecodable(f"schema {number} cannot be read by") from None
        form, schema = self._written[number]
        try:
            if form == "JSON":
                return kind.model_validate_json(data[_HEADER.size :])
            row = fastavro.schemaless_reader(io.BytesIO(data[_HEADER.size :]), schema, _own(kind))
            return kind.model_validate(row)
        except ValidationError as error:
            first = error.errors()[0]
            raise Undecodable(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
        except _BROKEN as error:
            raise Undecodable(f"{form}: {type(error).__name__}") from None

    async def _id(self, kind: type[Event], form: Format) -> int:
        if (kind, form) not in self._ids:
            schema = kind.avro_schema() if form == "AVRO" else kind.json_schema()
            # Each format has a subject of its own: a subject's versions are all of one kind.
            self._ids[kind, form] = await self.schemas.register(f"{kind.subject}.{form.lower()}", form, schema)
        return self._ids[kind, form]
