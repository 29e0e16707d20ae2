"""Values of messages, bare and as a schema registry frames them."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
import respx

from harness.core.errors import ConfigError, InfraError
from harness.targets.event_codec import EventCodec, Unreadable

REGISTRY = "http://registry"
AVRO = {
    "type": "record",
    "name": "Task",
    "fields": [
        {"name": "id", "type": "string"},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
    ],
}
JSON = {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "required": ["id"]}
EVENT = {"id": "one", "at": "2026-11-24T03:00:00.250+00:00"}


def codec(own: Any = None, registry: str | None = REGISTRY) -> EventCodec:
    return EventCodec(httpx.AsyncClient(), registry, {"authorization": "Bearer t"}, json.dumps(own) if own else "")


async def test_without_a_registry_values_are_bare_json() -> None:
    bare = codec(registry=None)
    assert await bare.decode(await bare.encode(EVENT, None)) == EVENT
    with pytest.raises(Unreadable, match="not JSON"):
        await bare.decode(b"\xff")


@respx.mock
@pytest.mark.parametrize(("schema", "kind"), [(AVRO, "AVRO"), (JSON, "JSON")])
async def test_its_own_schema_is_registered_and_named_in_the_value(schema: Any, kind: str) -> None:
    asked = respx.post(f"{REGISTRY}/subjects/tasks/versions").respond(json={"id": 258})
    made = codec(schema)
    value = await made.encode(EVENT, "tasks")
    assert value[:5] == b"\x00\x00\x00\x01\x02"
    request = asked.calls.last.request
    assert json.loads(request.content) == {"schema": json.dumps(schema), "schemaType": kind}
    assert request.headers["authorization"] == "Bearer t"
    read = await made.decode(value)
    assert isinstance(read, dict) and read["id"] == "one" and str(read["at"]).startswith("2026-11-24")


@respx.mock
async def test_the_newest_registered_schema_counts_where_there_is_no_own() -> None:
    respx.get(f"{REGISTRY}/subjects/tasks/versions/latest").respond(json={"id": 3, "schema": json.dumps(AVRO)})
    assert (await codec().encode(EVENT, "tasks"))[4] == 3
    respx.get(f"{REGISTRY}/subjects/none/versions/latest").respond(404)
    with pytest.raises(InfraError, match="does not answer /subjects/none"):
        await codec().encode(EVENT, "none")


@respx.mock
async def test_what_a_schema_does_not_read_says_why_and_an_event_that_does_not_fit_is_the_files_mistake() -> None:
    for number, schema, kind in ((1, AVRO, "AVRO"), (2, JSON, "JSON")):
        found = {"schema": json.dumps(schema), "schemaType": kind}
        respx.get(f"{REGISTRY}/schemas/ids/{number}").respond(json=found)
    for value, why in (
        (b"{}", "wire format"),
        (b"\x00\x00\x00\x00\x01\x40", "schema 1 does not read it"),
        (b"\x00\x00\x00\x00\x01\x02a\x00\x00", "leaves bytes over"),
        (b"\x00\x00\x00\x00\x02[]", "not what its schema says"),
    ):
        with pytest.raises(Unreadable, match=why):
            await codec().decode(value)
    respx.post(f"{REGISTRY}/subjects/tasks/versions").respond(json={"id": 1})
    with pytest.raises(ConfigError, match=r"the event does not fit tasks(?s:.*)\[.queue\]"):
        await codec(AVRO).encode({"id": 7, "at": 1}, "tasks")
