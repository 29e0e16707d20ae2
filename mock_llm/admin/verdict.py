"""What the journal says of the clients."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from mock_llm.admin.state import Mock
from mock_llm.server import Server
from mock_llm.verdict import judge

router = APIRouter(tags=["verdict"])


def _judged(server: Server, session: str | None, timed: bool | None) -> dict[str, Any]:
    by_time = not server.clock.virtual if timed is None else timed
    return judge(server.journal.since(0, session), timed=by_time).to_data()


@router.get("/verdict")
async def verdict(server: Mock, session: str | None = None, timed: bool | None = None) -> dict[str, Any]:
    """Every rule over the journal, of one session or of all. `skipped`: rules about time, under a virtual clock."""
    return _judged(server, session, timed)


@router.get("/sessions/{name}/verdict")
async def verdict_of(server: Mock, name: str, timed: bool | None = None) -> dict[str, Any]:
    """The same for one session."""
    return _judged(server, name, timed)
