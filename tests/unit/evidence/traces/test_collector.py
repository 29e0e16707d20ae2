"""The collector: what an exporter sends is what a trace is answered with."""

from __future__ import annotations

import gzip
import json
from typing import Any

import httpx
import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from harness.core.errors import InfraError
from harness.evidence.traces.collector import Store, create_app
from harness.evidence.traces.fetching import fetched
from harness.evidence.traces.span import of_otlp

URL = "http://collector/api/v3/traces/{id}"


def client(store: Store | None = None) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(create_app(store)), base_url="http://collector")


def exported() -> tuple[str, bytes]:
    """A trace of two spans, as the SDK's exporter sends it."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(resource=Resource({"service.name": "agent"}))
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("t")
    with (
        tracer.start_as_current_span("outer", kind=SpanKind.SERVER, attributes={"n": 3, "ok": True, "r": 0.5}),
        tracer.start_as_current_span("inner", kind=SpanKind.CLIENT),
    ):
        pass
    rows = exporter.get_finished_spans()
    context: Any = rows[0].context
    return f"{context.trace_id:032x}", encode_spans(rows).SerializeToString()


@pytest.mark.parametrize("zipped", [False, True])
async def test_what_the_sdk_exports_is_answered_by_trace(zipped: bool) -> None:
    trace, body = exported()
    headers = {"content-type": "application/x-protobuf", **({"content-encoding": "gzip"} if zipped else {})}
    async with client() as http:
        answer = await http.post("/v1/traces", content=gzip.compress(body) if zipped else body, headers=headers)
        assert answer.status_code == 200
        outer, inner = await fetched(http, URL, [trace, "f" * 32], {})
    assert (outer.name, outer.kind, outer.service, outer.parent_id) == ("outer", "server", "agent", "")
    assert dict(outer.attributes) == {"n": 3, "ok": True, "r": 0.5}
    assert (inner.name, inner.kind, inner.parent_id) == ("inner", "client", outer.span_id)
    assert inner.trace_id == trace
    assert outer.end_ns > outer.start_ns


async def test_json_is_taken_too_and_rubbish_is_refused() -> None:
    span = {"traceId": "AB" * 16, "spanId": "cd" * 8, "name": "s", "status": {"code": 2}}
    document = {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}
    headers = {"content-type": "application/json"}
    async with client() as http:
        assert (await http.post("/v1/traces", content=json.dumps(document), headers=headers)).status_code == 200
        (found,) = await fetched(http, URL, ["ab" * 16], {})
        assert (found.failed, found.service) == (True, "")
        for kind, body in (
            ("application/json", b"[]"),
            ("application/json", b"{"),
            ("application/x-protobuf", b"\xff"),
        ):
            assert (await http.post("/v1/traces", content=body, headers={"content-type": kind})).status_code == 400
        assert (await http.get("/api/v3/traces/" + "0" * 32)).status_code == 404


def test_the_oldest_traces_make_room() -> None:
    store = Store(most=4)
    for n in range(5):
        for _ in range(2):
            store.add({}, {"traceId": f"{n}"})
    assert len(store) == 4
    assert [len(store.trace(str(n))) for n in range(5)] == [0, 0, 0, 2, 2]


def test_jaeger_and_tempo_are_read_as_well() -> None:
    span = {"traceId": "q6urq6urq6urq6urq6urqw==", "spanId": "zc3Nzc3Nzc0=", "kind": "SPAN_KIND_SERVER", "name": "s"}
    (tempo,) = of_otlp({"batches": [{"scopeSpans": [{"spans": [span]}]}]})
    assert (tempo.trace_id, tempo.span_id, tempo.kind) == ("ab" * 16, "cd" * 8, "server")
    for wrong in ({}, [], {"resourceSpans": [{"scopeSpans": [{"spans": [{"name": "no ids"}]}]}]}):
        with pytest.raises(ValueError, match="not OTLP"):
            of_otlp(wrong)


async def test_what_is_no_tracing_back_end_is_told() -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(200, text="<html>"))
    async with httpx.AsyncClient(transport=transport) as http:
        with pytest.raises(InfraError, match="spans at"):
            await fetched(http, URL, ["a"], {})
