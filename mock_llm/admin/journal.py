"""The journal over HTTP: pages and filters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel

from mock_llm.admin.state import Mock
from mock_llm.journal import Entry
from mock_llm.server import Server

router = APIRouter(tags=["journal"])


class Filter(BaseModel, extra="forbid"):
    """Which lines to show. `since` is the `next` of the page before; a page has at most `limit` lines."""

    since: int = 0
    limit: int = 500
    session: str | None = None
    model: str | None = None
    protocol: str | None = None
    rule: str | None = None
    tool: str | None = None
    status: int | None = None
    min_status: int | None = None
    trace_id: str | None = None
    fault: str | None = None
    aborted: bool | None = None
    measured: bool = True
    bodies: bool = True

    def tests(self) -> list[Callable[[Entry], bool]]:
        found: list[Callable[[Entry], bool]] = []
        for name in ("model", "protocol", "rule", "status", "trace_id", "aborted"):
            value = getattr(self, name)
            if value is not None:
                found.append(lambda entry, name=name, value=value: getattr(entry, name) == value)  # type: ignore[misc]
        if self.tool is not None:
            found.append(lambda entry: self.tool in entry.tools_called)
        if self.fault is not None:
            found.append(lambda entry: self.fault in entry.faults)
        if self.min_status is not None:
            found.append(lambda entry: entry.status >= (self.min_status or 0))
        return found


def page(server: Server, query: Filter, session: str | None) -> dict[str, Any]:
    """Entries and the `next` to ask for; when `run` is not what it was, the journal began anew and so does `since`."""
    tests = query.tests()
    entries: list[dict[str, Any]] = []
    following = query.since
    for entry in server.journal.since(query.since, session):
        if len(entries) >= max(1, min(query.limit, 5000)):
            break
        following = entry.seq
        if entry.path and all(test(entry) for test in tests):
            entries.append(entry.to_data(measured=query.measured, bodies=query.bodies))
    else:
        following = max(following, server.journal.total)
    return {"entries": entries, "next": following, "total": server.journal.total, "run": server.journal.run}


@router.get("/journal")
async def journal(server: Mock, query: Annotated[Filter, Query()]) -> dict[str, Any]:
    """Every request and what was answered, oldest first."""
    return page(server, query, query.session)


@router.get("/sessions/{name}/journal")
async def journal_of(server: Mock, name: str, query: Annotated[Filter, Query()]) -> dict[str, Any]:
    """The same for one session."""
    return page(server, query, name)


@router.delete("/journal", status_code=204)
async def clear(server: Mock) -> None:
    """Empty the journal."""
    server.journal.clear()
