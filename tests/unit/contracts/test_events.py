"""Each way in which a stream of events goes wrong is seen, and a good one passes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any

import httpx
import pytest
from fastapi import FastAPI, Header, HTTPException
from fastapi.responses import StreamingResponse

from harness.contracts.http.door import TaskDoor
from harness.contracts.http.events import Events
from harness.contracts.http.exchange import Caller
from harness.contracts.promises import Promises
from harness.core.clock import RealClock
from harness.core.config import TasksApi
from harness.core.events import Check
from harness.evidence.recorder import MemoryRecorder

STORY = [
    ("1", "llm_call", "{}"),
    ("2", "tool_call", "{}"),
    ("3", "tool_result", "{}"),
    ("4", "status", '{"s":"completed"}'),
]
ROUTE = "GET /tasks/{id}/events"


def service(flaw: str) -> FastAPI:
    app = FastAPI()

    @app.post("/tasks", status_code=202)
    def submit(body: dict[str, Any]) -> dict[str, str]:
        return {"task_id": "t1", "status": "pending"}

    @app.get("/tasks/{task}")
    def status(task: str) -> dict[str, str]:
        return {"task_id": task, "status": "completed"}

    @app.get("/tasks/{task}/events")
    def events(task: str, last: Annotated[str, Header(alias="Last-Event-ID")] = "") -> StreamingResponse:
        if task != "t1" and flaw != "unknown_is_200":
            raise HTTPException(404)
        start = next((n + 1 for n, row in enumerate(STORY) if row[0] == last), 0)
        if last and flaw == "ignores_last_id":
            start = 0
        if last and flaw == "skips_one":
            start += 1
        if last and flaw == "repeats_one":
            start -= 1

        async def told() -> AsyncIterator[str]:
            for ident, kind, data in STORY[start:]:
                if flaw == "no_end" and kind == "status":
                    continue
                shown = "same" if flaw == "one_id" else ident
                yield f"id: {shown}\nevent: {kind}\ndata: {data}\n\n"
            if flaw == "stays_open":
                await asyncio.sleep(30)

        return StreamingResponse(told(), media_type="text/plain" if flaw == "wrong_type" else "text/event-stream")

    return app


async def checked(flaw: str) -> dict[str, set[str]]:
    recorder = MemoryRecorder(clock=RealClock())
    transport = httpx.ASGITransport(app=service(flaw))
    async with httpx.AsyncClient(transport=transport, base_url="http://s") as http:
        door = TaskDoor(Caller(http, "http://s", {}, {}), TasksApi(), clock=RealClock(), session="s")
        promises = Promises(recorder, "s/tasks")
        await Events(door, http, "http://s", {}, promises, "u", 1.0).check(ROUTE)
    found: dict[str, set[str]] = {}
    for event in recorder.events:
        if isinstance(event.body, Check):
            found.setdefault(event.body.outcome, set()).add(event.body.check)
    return found


async def test_a_good_stream_passes() -> None:
    assert await checked("") == {
        "pass": {"events.stream", "events.end", "events.ids", "events.late", "events.resume", "events.unknown"}
    }


@pytest.mark.parametrize(
    ("flaw", "check"),
    [
        ("wrong_type", "events.stream"),
        ("no_end", "events.end"),
        ("one_id", "events.ids"),
        ("ignores_last_id", "events.resume"),
        ("skips_one", "events.resume"),
        ("repeats_one", "events.resume"),
        ("unknown_is_200", "events.unknown"),
    ],
)
async def test_a_flaw_is_seen(flaw: str, check: str) -> None:
    assert check in (await checked(flaw))["fail"]
