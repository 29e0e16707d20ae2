"""Events to bytes and back; bytes that are no event are said to be none."""

from __future__ import annotations

import asyncio
import json
import struct
from typing import Any

import httpx
import pytest
import respx
from hypothesis import given
from hypothesis import strategies as st

from reference_agents.queue.codec import EventCodec, Format, HttpSchemas, RegistryAway, Undecodable
from reference_agents.queue.events import AgentResultEvent, AgentTaskEvent, Event, at

WORD = st.from_regex(r"[A-Za-z0-9._:@/-]{1,20}", fullmatch=True)


class Kept:
    """A registry in a list."""

    def __init__(self) -> None:
        self.rows: list[tuple[Format, dict[str, Any]]] = []

    async def register(self, subject: str, kind: Format, schema: dict[str, Any]) -> int:
        if (kind, schema) not in self.rows:
            self.rows.append((kind, schema))
        return self.rows.index((kind, schema))

    async def by_id(self, number: int) -> tuple[Format, dict[str, Any]] | None:
        return self.rows[number] if number < len(self.rows) else None


EVENTS = st.builds(
    AgentTaskEvent,
    task_id=WORD,
    source_agent=WORD,
    target_agent=WORD,
    session_id=WORD,
    prompt=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=50),
    context=st.dictionaries(WORD, st.text(st.characters(exclude_categories=["Cs"]), max_size=20), max_size=3),
    created_at=st.floats(0, 4e9).map(at),
)


@given(EVENTS, st.sampled_from(["AVRO", "JSON"]))
def test_an_event_comes_back_as_it_was(event: AgentTaskEvent, kind: Format) -> None:
    async def there_and_back() -> Event:
        codec = EventCodec(Kept())
        return await codec.decode(await codec.encode(event, kind), AgentTaskEvent)

    assert asyncio.run(there_and_back()) == event


@given(st.binary(max_size=60), st.sampled_from([b"", struct.pack(">bI", 0, 0), struct.pack(">bI", 0, 1)]))
def test_any_bytes_are_an_event_or_said_to_be_none(data: bytes, head: bytes) -> None:
    async def read() -> None:
        schemas = Kept()
        await schemas.register("a", "AVRO", AgentTaskEvent.avro_schema())
        await schemas.register("j", "JSON", AgentTaskEvent.json_schema())
        try:
            found = await EventCodec(schemas).decode(head + data, AgentTaskEvent)
        except Undecodable:
            return
        assert isinstance(found, AgentTaskEvent)

    asyncio.run(read())


async def test_what_an_older_writer_sent_is_read_by_the_newer_schema() -> None:
    schemas = Kept()
    older = AgentTaskEvent.avro_schema()
    older["fields"] = [row for row in older["fields"] if row["name"] != "context"]
    number = await schemas.register("s", "AVRO", older)
    row = [b"\x04t1", b"\x02o", b"\x02s", b"\x04s1", b"\x04hi", b"\x00"]  # five strings and a long
    event = await EventCodec(schemas).decode(struct.pack(">bI", 0, number) + b"".join(row), AgentTaskEvent)
    assert (event.task_id, event.session_id, event.context, event.created_at) == ("t1", "s1", {}, at(0))


async def test_another_kind_of_event_is_none_of_ours() -> None:
    codec = EventCodec(Kept())
    result = {"task_id": "t", "source_agent": "a", "target_agent": "b", "session_id": "s", "status": "completed"}
    data = await codec.encode(AgentResultEvent.model_validate({**result, "created_at": at(0)}))
    with pytest.raises(Undecodable):
        await codec.decode(data, AgentTaskEvent)


@respx.mock
async def test_a_registry_that_is_away_is_no_fault_of_the_message() -> None:
    route = respx.get("http://registry/schemas/ids/7")
    route.side_effect = [httpx.ConnectError("refused"), httpx.Response(503), httpx.Response(404)]
    async with httpx.AsyncClient() as http:
        codec = EventCodec(HttpSchemas(http, "http://registry"))
        data = struct.pack(">bI", 0, 7) + b"x"
        for _ in range(2):
            with pytest.raises(RegistryAway):
                await codec.decode(data, AgentTaskEvent)
        with pytest.raises(Undecodable, match="schema 7 is not registered"):
            await codec.decode(data, AgentTaskEvent)


@respx.mock
async def test_a_schema_is_registered_once_and_a_refusal_is_an_error() -> None:
    route = respx.post("http://registry/subjects/agents.v1.AgentTaskEvent.avro/versions")
    route.side_effect = [httpx.Response(409, json={"message": "it would break"}), httpx.Response(200, json={"id": 3})]
    said = {"task_id": "t", "source_agent": "a", "target_agent": "b", "session_id": "s", "prompt": "p"}
    event = AgentTaskEvent.model_validate({**said, "created_at": at(0)})
    async with httpx.AsyncClient() as http:
        codec = EventCodec(HttpSchemas(http, "http://registry"))
        with pytest.raises(ValueError, match="it would break"):
            await codec.encode(event)
        assert (await codec.encode(event))[:5] == (await codec.encode(event))[:5] == struct.pack(">bI", 0, 3)
    assert route.call_count == 2
    assert json.loads(route.calls[0].request.content)["schemaType"] == "AVRO"
