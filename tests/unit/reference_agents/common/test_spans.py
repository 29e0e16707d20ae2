"""Spans: one trace with the logs, parents that fit, and nothing that anybody wrote."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, HTTPException
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from reference_agents.api.middleware import RequestContext
from reference_agents.common import spans
from reference_agents.common.context import CURRENT, Trace, current, of_headers

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.fixture
def seen() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    spans.configure("search", "pod-1", exporter=exporter)
    yield exporter
    spans.configure("search", "pod-1", env={})


def ids(span: Any) -> tuple[str, str, str]:
    parent = f"{span.parent.span_id:016x}" if span.parent else ""
    return f"{span.context.trace_id:032x}", f"{span.context.span_id:016x}", parent


def test_a_span_is_the_callers_child_and_the_next_calls_parent(seen: InMemorySpanExporter) -> None:
    before = CURRENT.set(of_headers({"traceparent": f"00-{TRACE}-{PARENT}-01", "baggage": "mock.session=a"}))
    with spans.span("outer", "server", tool__name="x") as outer:
        outer.put(agent__steps_used=2)
        sent = current().headers()
        with spans.span("inner"):
            pass
    assert current().span_id == PARENT
    CURRENT.reset(before)
    inner, above = seen.get_finished_spans()
    assert ids(above)[0] == ids(inner)[0] == TRACE
    assert ids(above)[2] == PARENT
    assert ids(inner)[2] == ids(above)[1]
    assert sent == {"traceparent": f"00-{TRACE}-{ids(above)[1]}-01", "baggage": "mock.session=a"}
    assert above.kind is SpanKind.SERVER
    assert dict(above.attributes or {}) == {"tool.name": "x", "agent.steps_used": 2}
    assert above.resource.attributes["service.name"] == "search"


def test_the_first_span_has_the_trace_that_the_logs_name(seen: InMemorySpanExporter) -> None:
    before = CURRENT.set(Trace(TRACE))
    with spans.span("first"):
        pass
    CURRENT.reset(before)
    (first,) = seen.get_finished_spans()
    assert ids(first)[0] == TRACE
    assert first.parent is None


def test_what_is_raised_is_named_by_its_type_and_not_by_its_text(seen: InMemorySpanExporter) -> None:
    with pytest.raises(ValueError, match="CANARY"), spans.span("bad"):
        raise ValueError("CANARY")
    (bad,) = seen.get_finished_spans()
    assert dict(bad.attributes or {}) == {"error.type": "ValueError"}
    assert not bad.status.is_ok
    assert "CANARY" not in bad.to_json()


async def test_spans_that_overlap_keep_their_own_parents(seen: InMemorySpanExporter) -> None:
    async def one(name: str) -> None:
        with spans.span(f"outer {name}"):
            await asyncio.sleep(0)
            with spans.span(f"inner {name}"):
                await asyncio.sleep(0)

    await asyncio.gather(*(asyncio.create_task(one(name)) for name in "ab"))
    found = {span.name: ids(span) for span in seen.get_finished_spans()}
    for name in "ab":
        assert found[f"inner {name}"][2] == found[f"outer {name}"][1]
    assert found["outer a"][0] != found["outer b"][0]


def test_without_a_collector_nothing_is_traced_and_the_callers_ids_go_on() -> None:
    spans.configure("search", "pod-1", env={})
    before = CURRENT.set(of_headers({"traceparent": f"00-{TRACE}-{PARENT}-01"}))
    with spans.span("nothing") as span:
        span.put(a=1)
        span.rename("b")
        span.failed("c")
        assert current().headers()["traceparent"] == f"00-{TRACE}-{PARENT}-01"
    CURRENT.reset(before)


async def test_a_request_is_a_span_by_its_route_and_looks_are_none(seen: InMemorySpanExporter) -> None:
    app = FastAPI()

    @app.get("/tasks/{task_id}")
    async def task(task_id: str) -> str:
        if task_id == "no":
            raise HTTPException(503)
        return task_id

    @app.get("/health")
    async def health() -> str:
        return "ok"

    app.add_middleware(RequestContext)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as http:
        await http.get("/tasks/CANARY?q=CANARY", headers={"traceparent": f"00-{TRACE}-{PARENT}-01"})
        await http.get("/tasks/no")
        await http.get("/health")
        await http.get("/nowhere/CANARY")
    good, bad, nowhere = seen.get_finished_spans()
    assert good.name == bad.name == "GET /tasks/{task_id}"
    assert ids(good)[0] == TRACE
    assert ids(good)[2] == PARENT
    assert dict(good.attributes or {})["http.response.status_code"] == 200
    assert (good.status.is_ok, bad.status.is_ok) == (True, False)
    assert nowhere.name == "GET"
    assert not any("CANARY" in span.to_json() for span in (good, bad, nowhere))
