"""A server that runs for long keeps no more than its bounds say."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import MutableMapping
from typing import Any

import orjson
import pytest

from mock_llm.faults.plan import plan_from_data
from mock_llm.journal import Entry, Journal
from mock_llm.server import Server
from mock_llm.settings import Settings
from tests.integration.mock_llm.dialects import DIALECTS, Dialect

KEPT, STORED, SESSIONS = 512, 100, 4
WARM, ALL = 5_000, 20_000


async def _ask(server: Server, wire: Dialect, number: int) -> None:
    body = orjson.dumps(wire.body(f"question {number}, " + "of some length " * 40, stream=number % 2 == 0))
    given = iter([{"type": "http.request", "body": body, "more_body": False}])
    sent: list[Any] = []

    async def receive() -> MutableMapping[str, Any]:
        return next(given)

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    await server(
        {
            "type": "http",
            "method": "POST",
            "path": f"/s/s{number % SESSIONS}{wire.path}",
            "query_string": b"",
            "headers": [(b"content-type", b"application/json")],
        },
        receive,
        send,
    )
    await asyncio.sleep(0)  # what the server has cancelled ends
    assert sent[0]["status"] in {200, 529}


def _held() -> tuple[int, int, int]:
    """Objects that refer to others, the size of the texts that they refer to, lines of the journal: what is alive."""
    gc.collect()
    alive = gc.get_objects()
    texts = sum(len(thing) for thing in gc.get_referents(*alive) if type(thing) in (bytes, str))
    return len(alive), texts, sum(type(thing) is Entry for thing in alive)


@pytest.mark.slow
async def test_20_000_requests_leave_no_more_behind_than_5_000() -> None:
    server = Server(Settings(seed=1), journal=Journal(limit=KEPT))
    server.faults = plan_from_data([{"kind": "status", "status": 529, "every": 7}, {"kind": "duplicate", "every": 3}])
    for index in range(SESSIONS):
        server.sessions.get(f"s{index}").store.limit = STORED
    for number in range(WARM):
        await _ask(server, DIALECTS[number % 3], number)
    objects, size, _ = _held()
    for number in range(WARM, ALL):
        await _ask(server, DIALECTS[number % 3], number)
    objects_then, size_then, lines = _held()
    assert server.journal.total == ALL
    assert lines <= KEPT
    # Half of the journal goes to disk at a time: that much the two moments may differ by, and no more.
    assert objects_then - objects < KEPT * 12
    assert size_then - size < 4 * 1024 * 1024  # 15 000 bodies of requests alone are 10 MB
    assert sum(1 for _ in server.journal.since(0)) == ALL  # nothing is lost: the rest lies on disk
    server.journal.close()
