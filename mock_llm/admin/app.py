"""The admin API under /_mock, on FastAPI: imported only when first called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse

from mock_llm.admin import journal, page, plans, scripts, sessions, verdict

if TYPE_CHECKING:
    from mock_llm.server import Server


def build(server: Server) -> FastAPI:
    """The admin application of a server."""
    app = FastAPI(title="mock-llm admin", docs_url="/_mock/docs", redoc_url=None, openapi_url="/_mock/openapi.json")
    app.state.server = server
    for part in (page, sessions, scripts, plans, journal, verdict):
        app.include_router(part.router, prefix="/_mock")

    @app.exception_handler(ValueError)
    async def wrong(_: Request, error: ValueError) -> JSONResponse:
        """A mistake in what was sent: named, with the place; never a traceback."""
        return JSONResponse({"error": str(error)}, 400)

    @app.get("/health")
    async def health() -> dict[str, object]:
        return {"status": "ok", "protocols": [codec.name for codec in server.codecs]}

    @app.get("/metrics")
    async def metrics() -> PlainTextResponse:
        text = server.meters.text(server.in_flight, len(list(server.sessions)))
        return PlainTextResponse(text, media_type="text/plain; version=0.0.4; charset=utf-8")

    return app
