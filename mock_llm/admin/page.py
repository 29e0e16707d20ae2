"""The web page at /_mock: sessions, their turns and the rules that answered, live."""

from __future__ import annotations

from importlib.resources import files

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

router = APIRouter(include_in_schema=False)


@router.get("")
@router.get("/")
async def page() -> HTMLResponse:
    """One file, no build step; it polls the admin API and inserts what it gets as text only."""
    html = (files("mock_llm.admin") / "page.html").read_text(encoding="utf-8")
    policy = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'"
    return HTMLResponse(html, headers={"content-security-policy": policy})
