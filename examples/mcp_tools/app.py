"""An MCP tool server over streamable HTTP: a stockroom whose tools have real effects.

    python examples/mcp_tools/app.py --port 9002 [--broken unchecked-arguments | forgets-orders]

MCP is at /mcp. The same two tools stand at GET /tools and POST /tools/{name} for callers without MCP.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

import jsonschema_rs
import uvicorn
from mcp import types
from mcp.server.lowlevel import Server
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from stockroom import SKUS, Stockroom

BROKEN = ("unchecked-arguments", "forgets-orders")


def _object(**properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _result(*statuses: str) -> dict[str, Any]:
    return _object(
        status={"type": "string", "enum": list(statuses)}, reservation_id={"type": "string", "maxLength": 64}
    )


TOOLS = {
    tool.name: tool
    for tool in (
        types.Tool(
            name="reserve_stock",
            description="Reserve one part for an order. Repeating it for the same order changes nothing.",
            input_schema=_object(
                sku={"type": "string", "enum": list(SKUS), "description": "The part"},
                quantity={"type": "integer", "minimum": 1, "maximum": 20, "description": "How many"},
                order_id={
                    "type": "string",
                    "minLength": 1,
                    "maxLength": 64,
                    "description": "The order they are for",
                },
            ),
            output_schema=_result("reserved", "already_reserved", "out_of_stock"),
            annotations=types.ToolAnnotations(read_only_hint=False, idempotent_hint=True),
        ),
        types.Tool(
            name="release_stock",
            description="Give a reservation back, so that its parts are available again.",
            input_schema=_object(
                reservation_id={
                    "type": "string",
                    "minLength": 1,
                    "maxLength": 64,
                    "description": "What reserve_stock answered",
                }
            ),
            output_schema=_result("released", "unknown"),
            annotations=types.ToolAnnotations(read_only_hint=False, idempotent_hint=True),
        ),
    )
}
CHECKS = {name: jsonschema_rs.validator_for(tool.input_schema) for name, tool in TOOLS.items()}


class RefusedError(ValueError):
    """The call is against the tool's schema, or there is no such tool."""


class Toolbox:
    """The one way to the stockroom, by whichever protocol. The low-level MCP server checks no arguments."""

    def __init__(self, stockroom: Stockroom, *, checks: bool) -> None:
        self._stockroom = stockroom
        self._checks = checks

    def call(self, name: str, arguments: Any) -> dict[str, Any]:
        if name not in TOOLS:
            raise RefusedError(f"no tool {name!r}")
        if self._checks and (error := next(CHECKS[name].iter_errors(arguments), None)):
            raise RefusedError(error.message)
        return self._stockroom.call(name, arguments)


def build(broken: str | None, db: str = ":memory:") -> Starlette:
    """The service; `broken` names one of BROKEN."""
    stockroom = Stockroom(db, remembers_orders=broken != "forgets-orders")
    toolbox = Toolbox(stockroom, checks=broken != "unchecked-arguments")

    async def list_tools(context: Any, params: Any) -> types.ListToolsResult:
        return types.ListToolsResult(tools=list(TOOLS.values()))

    async def call_tool(context: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        try:
            result = toolbox.call(params.name, params.arguments or {})
        except ValueError as error:
            text = types.TextContent(text=str(error))
            return types.CallToolResult(content=[text], is_error=True)
        text = types.TextContent(text=json.dumps(result))
        return types.CallToolResult(content=[text], structured_content=result)

    async def tools(request: Request) -> JSONResponse:
        listed = [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in TOOLS.values()]
        return JSONResponse({"tools": listed})

    async def call(request: Request) -> JSONResponse:
        name = request.path_params["name"]
        try:
            return JSONResponse(toolbox.call(name, (await request.json())["input"]))
        except (ValueError, KeyError, TypeError) as error:  # no JSON, no UTF-8, no `input`, or refused
            return JSONResponse({"error": str(error)}, 404 if name not in TOOLS else 422)

    async def ledger(request: Request) -> JSONResponse:
        return JSONResponse({"entries": stockroom.ledger(), "available": stockroom.available()})

    async def health(request: Request) -> JSONResponse:
        return JSONResponse({"status": "ok"})

    server: Server[Any] = Server("stockroom", version="1.0.0", on_list_tools=list_tools, on_call_tool=call_tool)
    return server.streamable_http_app(
        stateless_http=True,
        json_response=True,
        custom_starlette_routes=[
            Route("/tools", tools),
            Route("/tools/{name}", call, methods=["POST"]),
            Route("/ledger", ledger),
            Route("/health", health),
        ],
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--port", type=int, default=9002)
    parser.add_argument("--db", default=":memory:", help="a SQLite file; by default nothing outlives the process")
    parser.add_argument("--broken", choices=BROKEN, help="run with one known defect")
    options = parser.parse_args()
    uvicorn.run(build(options.broken, options.db), host="127.0.0.1", port=options.port, log_level="warning")
