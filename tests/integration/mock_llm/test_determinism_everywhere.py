"""Three protocols, every fault, pacing: two runs that interleave differently give the same bytes and journals."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import httpx
import orjson
import pytest

from mock_llm.clock import VirtualClock
from mock_llm.faults import FAULTS, discover
from mock_llm.faults.plan import plan_from_data
from mock_llm.pacing import from_data
from mock_llm.script.decode import rules_from_data
from mock_llm.server import Server
from mock_llm.settings import Settings
from mock_llm.transport import Transport
from tests.integration.mock_llm.dialects import DIALECTS

discover()
SESSIONS = 200
# Each strikes by chance; the parameters that a kind needs beside.
NEEDED: dict[str, dict[str, Any]] = {
    "rate_limit": {"requests": 2, "per_s": 20},
    "outage": {"seconds": 4, "every_s": 60},
    "latency": {"seconds": 1, "jitter": 2},
    "drip": {"seconds": 0.1, "bytes": 40},
    "stall": {"frame": 2},
    "cut": {"inside": "tool"},
    "reorder": {"shuffle": True},
    "context_overflow": {"tokens": 30},
    "tool_loop": {"tool": "look_up"},
    "status": {"status": 529, "retry_after": 2, "retry_after_as": "date"},
}
PLAN = [{"kind": kind, "probability": 0.06, **NEEDED.get(kind, {})} for kind in sorted(FAULTS)]
PACINGS = ({"kind": "jittered"}, {"kind": "saturating"}, {"kind": "constant", "ttft": 0.3, "inter_token": 0.02})


def _server() -> Server:
    server = Server(Settings(seed=11), clock=VirtualClock())
    call = {"tool_calls": [{"name": "look_up", "arguments": {"city": "Oslo", "days": 3}}]}
    server.script.set(
        rules_from_data(
            [
                {"when": {"text": "sequence"}, "answers": [{"error": 500}, "second, at some length", call]},
                {"when": {"text": "call"}, "answer": call},
            ]
        )
    )
    server.faults = plan_from_data(PLAN)
    return server


async def _session(client: httpx.AsyncClient, name: str, order: random.Random) -> list[bytes]:
    """What the client sees of nine turns: status, body as far as it came, and how it ended."""
    seen = []
    for turn in range(9):
        wire = DIALECTS[turn % 3]
        text = f"{('sequence', 'call', 'anything else')[(turn + turn // 3) % 3]} of {name}"
        body = wire.body(text, stream=turn % 2 == 0, tools=turn % 4 != 3)
        for _ in range(order.randrange(4)):
            await asyncio.sleep(0)
        got, ended = b"", ""
        try:
            async with client.stream("POST", f"/s/{name}{wire.path}", json=body) as answer:
                got = f"{answer.status_code} {sorted(answer.headers.raw)}".encode()
                async for piece in answer.aiter_raw():
                    got += piece
        except httpx.TransportError as error:
            ended = type(error).__name__
        seen.append(got + ended.encode())
    return seen


async def _run(shuffle: int, pacing: dict[str, Any]) -> tuple[dict[str, list[bytes]], dict[str, bytes], set[str]]:
    server = _server()
    server.pacing = from_data(pacing)
    order = random.Random(shuffle)
    names = [f"s{i}" for i in range(SESSIONS)]
    order.shuffle(names)
    transport = Transport(server, "default", asyncio.get_running_loop())
    async with httpx.AsyncClient(transport=transport, base_url="http://mock", timeout=60) as client:
        found = await asyncio.gather(*(_session(client, name, order) for name in names))
    entries = list(server.journal.since(0))
    journals = {
        name: b"\n".join(
            orjson.dumps({key: value for key, value in entry.to_data().items() if key != "seq"})
            for entry in entries
            if entry.session == name
        )
        for name in names
    }
    server.journal.close()
    return dict(zip(names, found, strict=True)), journals, {kind for entry in entries for kind in entry.faults}


@pytest.mark.parametrize("pacing", PACINGS, ids=lambda pacing: str(pacing["kind"]))
async def test_200_concurrent_sessions_under_every_fault_give_identical_bytes_and_journals(
    pacing: dict[str, Any],
) -> None:
    bodies, journals, struck = await _run(1, pacing)
    again, journals_again, _ = await _run(2, pacing)
    assert bodies == again
    assert journals == journals_again
    assert struck == set(FAULTS)
    assert all(journals.values())
    ends = {answer[-12:] for answers in bodies.values() for answer in answers}
    assert any(end.endswith(b"ReadTimeout") for end in ends) and any(end.endswith(b"ocolError") for end in ends)
