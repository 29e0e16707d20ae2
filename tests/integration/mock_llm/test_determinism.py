"""The same workload gives the same bytes, however it is interleaved."""

from __future__ import annotations

import asyncio
import random

import httpx
import orjson

from mock_llm.clock import VirtualClock
from mock_llm.faults.plan import plan_from_data
from mock_llm.pacing import from_data
from mock_llm.script.decode import rules_from_data
from mock_llm.server import Server
from mock_llm.settings import Settings

SESSIONS = 200
TOOL = {
    "type": "function",
    "function": {
        "name": "lookup",
        "parameters": {
            "type": "object",
            "properties": {"id": {"type": "string", "format": "uuid"}},
            "required": ["id"],
        },
    },
}


def _server() -> Server:
    server = Server(Settings(seed=11), clock=VirtualClock())
    server.script.set(
        rules_from_data(
            [
                {"when": {"text": "sequence"}, "answers": [{"error": 500}, "second", "third"]},
                {"when": {"text": "lookup"}, "answer": {"tool_calls": ["lookup"]}},
            ]
        )
    )
    server.faults = plan_from_data(
        [{"kind": "status", "status": 429, "probability": 0.3}, {"kind": "latency", "seconds": 1, "jitter": 2}]
    )
    server.pacing = from_data({"kind": "constant", "ttft": 0.3, "inter_token": 0.02})
    return server


async def _session(client: httpx.AsyncClient, name: str, order: random.Random) -> list[bytes]:
    bodies = []
    for turn in range(6):
        text = ("sequence", "lookup", "something else entirely, at length", "sequence")[turn % 4]
        body = {
            "model": "gpt-4o",
            "messages": [{"role": "user", "content": f"{text} {name}"}],
            "tools": [TOOL] if turn % 2 else None,
            "stream": turn % 3 == 0,
        }
        for _ in range(order.randrange(4)):
            await asyncio.sleep(0)
        answer = await client.post(
            f"/s/{name}/v1/chat/completions", json={k: v for k, v in body.items() if v is not None}
        )
        bodies.append(f"{answer.status_code}".encode() + answer.headers["x-request-id"].encode() + answer.content)
    return bodies


async def _run(shuffle: int) -> tuple[dict[str, list[bytes]], dict[str, bytes]]:
    server = _server()
    order = random.Random(shuffle)
    names = [f"s{i}" for i in range(SESSIONS)]
    order.shuffle(names)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(server), base_url="http://mock") as client:
        found = await asyncio.gather(*(_session(client, name, order) for name in names))
    journals = {
        name: b"\n".join(
            orjson.dumps({k: v for k, v in entry.to_data().items() if k != "seq"})
            for entry in server.journal.since(0, name)
        )
        for name in names
    }
    server.journal.close()
    return dict(zip(names, found, strict=True)), journals


async def test_two_runs_of_200_concurrent_sessions_give_identical_bodies_and_journals() -> None:
    bodies, journals = await _run(shuffle=1)
    again, journals_again = await _run(shuffle=2)
    assert bodies == again
    assert journals == journals_again
    assert all(journals.values())
    # The run exercised chance: sessions differ from each other, and some requests were struck.
    assert len({tuple(answers) for answers in bodies.values()}) == SESSIONS
    statuses = {answer[:3] for answers in bodies.values() for answer in answers}
    assert statuses == {b"200", b"429", b"500"}


async def test_another_seed_gives_other_ids() -> None:
    ids = set()
    for seed in (1, 2):
        server = Server(Settings(seed=seed))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(server), base_url="http://mock") as client:
            body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "x"}]}
            ids.add((await client.post("/v1/chat/completions", json=body)).json()["id"])
    assert len(ids) == 2
