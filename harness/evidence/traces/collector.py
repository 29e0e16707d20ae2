"""A small OpenTelemetry collector: takes spans over OTLP/HTTP and answers them by trace, as Jaeger does.

POST /v1/traces (protobuf or JSON) ─▶ the newest spans, in memory ─▶ GET /api/v3/traces/{trace_id}

It is what a laptop has in place of a tracing back-end; on staging, `spans` of windtunnel.toml names the real one.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
from collections import OrderedDict
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

MOST_SPANS = 50_000
MOST_BYTES = 16 << 20


class Store:
    """The newest spans by trace: `most` of them, whole traces at a time."""

    def __init__(self, most: int = MOST_SPANS) -> None:
        self._most, self._held = most, 0
        self._traces: OrderedDict[str, list[dict[str, Any]]] = OrderedDict()

    def add(self, resource: dict[str, Any], span: dict[str, Any]) -> None:
        """Keep `span`, as OTLP's JSON has it; the trace that has been there longest makes room."""
        rows = self._traces.setdefault(span["traceId"], [])
        rows.append({"resource": resource, "scopeSpans": [{"spans": [span]}]})
        self._held += 1
        while self._held > self._most and len(self._traces) > 1:
            self._held -= len(self._traces.popitem(last=False)[1])

    def trace(self, trace_id: str) -> list[dict[str, Any]]:
        """Its `resourceSpans`; empty where nothing of it is known."""
        return self._traces.get(trace_id.lower(), [])

    def __len__(self) -> int:
        return self._held


def create_app(store: Store | None = None) -> Starlette:
    """The ASGI application over `store`."""
    kept = Store() if store is None else store

    async def take(request: Request) -> Response:
        as_json = request.headers.get("content-type", "").startswith("application/json")
        try:
            document = _json(await _body(request)) if as_json else _protobuf(await _body(request))
            rows = [
                (part.get("resource") or {}, span)
                for part in document.get("resourceSpans") or ()
                for scope in part.get("scopeSpans") or ()
                for span in scope.get("spans") or ()
            ]
            if any(not isinstance(span["traceId"], str) for _, span in rows):
                raise ValueError("a traceId is no text")
        except (ValueError, AttributeError, KeyError, TypeError, OSError, EOFError) as error:
            return JSONResponse({"code": 3, "message": f"not an ExportTraceServiceRequest: {error}"}, 400)
        for resource, span in rows:
            kept.add(resource, {**span, "traceId": span["traceId"].lower()})
        return JSONResponse({}) if as_json else Response(b"", media_type="application/x-protobuf")

    async def trace(request: Request) -> Response:
        rows = kept.trace(request.path_params["trace_id"])
        if not rows:
            return JSONResponse({"error": {"httpCode": 404, "message": "trace not found"}}, 404)
        return JSONResponse({"result": {"resourceSpans": rows}})

    async def health(request: Request) -> Response:
        return JSONResponse({"status": "ok", "spans": len(kept)})

    return Starlette(
        routes=[
            Route("/v1/traces", take, methods=["POST"]),
            Route("/api/v3/traces/{trace_id}", trace),
            Route("/health", health),
        ]
    )


async def _body(request: Request) -> bytes:
    body = await request.body()
    if request.headers.get("content-encoding") == "gzip":
        body = gzip.decompress(body)
    if len(body) > MOST_BYTES:
        raise ValueError(f"over {MOST_BYTES} bytes")
    return body


def _json(body: bytes) -> dict[str, Any]:
    found = json.loads(body)
    if not isinstance(found, dict):
        raise TypeError("not an object")
    return found


def _protobuf(body: bytes) -> dict[str, Any]:
    """As OTLP's JSON: protobuf's own, with ids in hex."""
    from google.protobuf.json_format import MessageToDict
    from google.protobuf.message import DecodeError
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    request = ExportTraceServiceRequest()
    try:
        request.ParseFromString(body)
    except DecodeError as error:
        raise ValueError(str(error)) from None
    found: dict[str, Any] = MessageToDict(request, use_integers_for_enums=True)
    for part, message in zip(found.get("resourceSpans", ()), request.resource_spans, strict=True):
        for scope, rows in zip(part.get("scopeSpans", ()), message.scope_spans, strict=True):
            for span, row in zip(scope.get("spans", ()), rows.spans, strict=True):
                span |= {"traceId": row.trace_id.hex(), "spanId": row.span_id.hex()}
                if row.parent_span_id:
                    span["parentSpanId"] = row.parent_span_id.hex()
    return found


def main(argv: list[str] | None = None) -> int:
    """Serve until SIGTERM; an image's entry point."""
    parser = argparse.ArgumentParser(prog="otel-collector", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=4318, help="OTLP over HTTP; 4318 is its usual port")
    arguments = parser.parse_args(sys.argv[1:] if argv is None else argv)
    import uvicorn

    uvicorn.run(create_app(), host=arguments.host, port=arguments.port, log_level="warning", access_log=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
