"""Errors as RFC 9457 problem details, and declared as such."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.routing import Match


class Problem(BaseModel):
    """RFC 9457."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str = ""


TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    413: "Content Too Large",
    422: "Unprocessable Content",
    429: "Too Many Requests",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}


class Refused(Exception):
    """An error that becomes a problem response."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail


def declared(*codes: int) -> dict[int | str, dict[str, Any]]:
    """`responses=` of a route: these codes answer with problem details. 400 is what an unreadable body gets."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        code: {
            "description": TITLES[code],
            "model": Problem,
            "content": {"application/problem+json": {"schema": schema}},
        }
        for code in (400, *codes)
    }


def response(status: int, detail: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """A problem response."""
    body = Problem(title=TITLES.get(status, "Error"), status=status, detail=detail).model_dump()
    return JSONResponse(body, status, headers=headers, media_type="application/problem+json")


def install(app: FastAPI) -> None:
    """Make every error of `app` a problem response."""

    @app.exception_handler(Refused)
    async def refused(request: Request, error: Refused) -> JSONResponse:
        return response(error.status, error.detail)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        rows = error.errors()
        unreadable = any(row["type"] in ("json_invalid", "json_type") for row in rows)
        detail = "; ".join(f"{'.'.join(str(part) for part in row['loc'])}: {row['msg']}" for row in rows[:5])
        return response(400 if unreadable else 422, detail)

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> JSONResponse:
        headers = dict(error.headers or {})
        if error.status_code == 405:
            headers["Allow"] = ", ".join(_allowed(app, request))
        return response(error.status_code, str(error.detail), headers)


def _allowed(app: FastAPI, request: Request) -> list[str]:
    """Every method that the path takes; the framework names those of its first route only (RFC 9110, 15.5.6).

    Asked of each route by trying: a router within a router does not list the methods of its own.
    """
    return [
        method
        for method in ("DELETE", "GET", "PATCH", "POST", "PUT")
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in app.routes)
    ]
