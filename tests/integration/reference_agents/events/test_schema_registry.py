"""The registry as Confluent's own client sees it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.error import SchemaRegistryError

FIRST = json.dumps({"type": "record", "name": "E", "fields": [{"name": "a", "type": "string"}]})
SECOND = json.dumps(
    {
        "type": "record",
        "name": "E",
        "fields": [{"name": "a", "type": "string"}, {"name": "b", "type": "int", "default": 0}],
    }
)
BREAKING = json.dumps({"type": "record", "name": "E", "fields": [{"name": "c", "type": "string"}]})


async def call(function: Any, *args: Any, **more: Any) -> Any:
    """Confluent's client blocks: not on the loop that serves it."""
    return await asyncio.to_thread(function, *args, **more)


async def test_confluents_client_registers_reads_and_is_refused_what_breaks(registry_url: str) -> None:
    with SchemaRegistryClient({"url": registry_url}) as client:
        one = await call(client.register_schema, "events-value", Schema(FIRST, "AVRO"))
        two = await call(client.register_schema, "events-value", Schema(SECOND, "AVRO"))
        assert one != two
        assert await call(client.register_schema, "events-value", Schema(FIRST, "AVRO")) == one
        assert await call(client.register_schema, "others-value", Schema(FIRST, "AVRO")) == one  # one schema, one id
        assert json.loads((await call(client.get_schema, two)).schema_str) == json.loads(SECOND)
        latest = await call(client.get_latest_version, "events-value")
        assert (latest.version, latest.schema_id, latest.subject) == (2, two, "events-value")
        assert await call(client.get_versions, "events-value") == [1, 2]
        assert await call(client.get_subjects) == ["events-value", "others-value"]
        assert (await call(client.lookup_schema, "events-value", Schema(SECOND, "AVRO"))).version == 2
        assert not await call(client.test_compatibility, "events-value", Schema(BREAKING, "AVRO"))
        assert await call(client.test_compatibility, "events-value", Schema(FIRST, "AVRO"))
        with pytest.raises(SchemaRegistryError) as refused:
            await call(client.register_schema, "events-value", Schema(BREAKING, "AVRO"))
        assert refused.value.http_status_code == 409
        assert "missing_default_value" in refused.value.error_message


async def test_a_subject_may_promise_less_than_the_default(registry_url: str) -> None:
    with SchemaRegistryClient({"url": registry_url}) as client:
        await call(client.register_schema, "s", Schema(FIRST, "AVRO"))
        await call(client.set_compatibility, "s", "NONE")
        assert await call(client.get_compatibility, "s") == "NONE"
        await call(client.register_schema, "s", Schema(BREAKING, "AVRO"))
        await call(client.set_compatibility, level="FULL")
        assert await call(client.get_compatibility) == "FULL"


@pytest.mark.parametrize(
    ("method", "path", "body", "code"),
    [
        ("GET", "/subjects/nobody/versions", None, 40401),
        ("GET", "/subjects/nobody/versions/latest", None, 40401),
        ("GET", "/subjects/s/versions/9", None, 40402),
        ("GET", "/subjects/s/versions/x", None, 42202),
        ("GET", "/schemas/ids/99", None, 40403),
        ("POST", "/subjects/s", {"schema": SECOND}, 40403),
        ("POST", "/subjects/s/versions", {"schema": "{"}, 42201),
        ("POST", "/subjects/s/versions", {"schema": '{"type": "object"}', "schemaType": "JSON"}, 409),
        ("PUT", "/config", {"compatibility": "SOMEHOW"}, 42203),
        ("GET", "/config/s", None, 40408),
    ],
)
async def test_errors_carry_confluents_codes(
    registry_url: str, method: str, path: str, body: dict[str, str] | None, code: int
) -> None:
    async with httpx.AsyncClient(base_url=registry_url) as http:
        assert (await http.post("/subjects/s/versions", json={"schema": FIRST})).status_code == 200
        answer = await http.request(method, path, json=body)
    assert answer.json()["error_code"] == code
    assert answer.status_code == int(str(code)[:3])
    assert answer.headers["content-type"] == "application/vnd.schemaregistry.v1+json"


async def test_registrations_at_once_are_one_after_the_other(registry_url: str) -> None:
    """Of schemas that exclude each other, one alone becomes a version."""
    bodies = [
        {"schema": json.dumps({"type": "record", "name": "E", "fields": [{"name": f"f{n}", "type": "string"}]})}
        for n in range(8)
    ]
    async with httpx.AsyncClient(base_url=registry_url) as http:
        answers = await asyncio.gather(*(http.post("/subjects/race/versions", json=body) for body in bodies))
        assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7
        assert (await http.get("/subjects/race/versions")).json() == [1]
