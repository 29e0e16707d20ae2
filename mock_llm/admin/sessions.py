"""Sessions, API keys, the clock."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Body, HTTPException

from mock_llm.admin.state import Mock
from mock_llm.calls import price
from mock_llm.server import Server
from mock_llm.session import Session

router = APIRouter(tags=["sessions"])


def _shown(server: Server, session: Session) -> dict[str, Any]:
    """`cost_usd` is of the models that have a price; the others are named under `unpriced`."""
    costs = {model: price(model, *tokens) for model, tokens in session.spent.items()}
    return {
        "name": session.name,
        "requests": session.ordinal,
        "open": session.open,
        "state": session.script.state,
        "rules": len(session.script.rules),
        "faults": len(session.faults.entries) if session.faults else 0,
        "prompt_tokens": sum(prompt for prompt, _ in session.spent.values()),
        "completion_tokens": sum(completion for _, completion in session.spent.values()),
        "cost_usd": sum(cost for cost in costs.values() if cost is not None),
        "unpriced": sorted(model for model, cost in costs.items() if cost is None),
    }


@router.get("/sessions")
async def sessions(server: Mock) -> dict[str, Any]:
    """Every session that was named so far."""
    return {"sessions": [_shown(server, session) for session in server.sessions]}


@router.get("/sessions/{name}")
async def session(server: Mock, name: str) -> dict[str, Any]:
    """One session; 404 when nothing has named it yet."""
    if name not in server.sessions:
        raise HTTPException(404, f"no session {name!r}")
    return _shown(server, server.sessions.get(name))


@router.delete("/sessions/{name}", status_code=204)
async def drop(server: Mock, name: str) -> None:
    """Forget a session: its rules, progress, faults, stored objects and journal."""
    server.sessions.drop(name)
    server.faults.reset(name)
    server.journal.clear(name)


@router.post("/sessions/{name}/reset")
async def reset(server: Mock, name: str) -> dict[str, Any]:
    """Start a session anew: same rules and plans, no progress, no requests, ordinals from 1."""
    found = server.sessions.get(name)
    found.reset()
    server.faults.reset(name)
    if found.faults is not None:
        found.faults.reset(name)
    server.journal.clear(name)
    return _shown(server, found)


@router.post("/reset")
async def reset_all(server: Mock) -> dict[str, Any]:
    """Start every session anew and empty the journal; rules and plans stay."""
    server.reset()
    return {"sessions": len(list(server.sessions))}


@router.get("/keys")
async def keys(server: Mock) -> dict[str, str]:
    """Which API key leads to which session."""
    return dict(server.sessions.keys)


@router.put("/keys")
async def set_keys(server: Mock, keys: dict[str, str] = Body()) -> dict[str, str]:
    """Replace the map from API keys to sessions."""
    server.sessions.keys = dict(keys)
    return keys


@router.get("/clock")
async def clock(server: Mock) -> dict[str, Any]:
    """The server's time in epoch seconds, and whether it is virtual."""
    return {"now": server.clock.now(), "virtual": server.clock.virtual}


@router.post("/clock/advance")
async def advance(server: Mock, seconds: float = Body(embed=True)) -> dict[str, Any]:
    """Move virtual time forward."""
    server.clock.advance(seconds)
    return await clock(server)
