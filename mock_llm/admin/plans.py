"""Fault plans and pacing, for one session or for all."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Body

from mock_llm.admin.state import Mock
from mock_llm.faults.plan import FaultPlan, plan_from_data
from mock_llm.pacing import from_data

router = APIRouter(tags=["faults and pacing"])


@router.get("/faults")
async def common_plan(server: Mock) -> dict[str, Any]:
    """The plan that holds for every session."""
    return server.faults.to_data()


@router.put("/faults")
async def set_common_plan(server: Mock, plan: Any = Body()) -> dict[str, Any]:
    """Replace it: `{"faults": [{"kind": "latency", "seconds": 15, "when": {"model": "gpt-4o"}}]}`."""
    server.faults = plan_from_data(plan, server.clock.now())
    return server.faults.to_data()


@router.delete("/faults", status_code=204)
async def clear_common_plan(server: Mock) -> None:
    """No faults for all any more; plans of sessions stay."""
    server.faults = FaultPlan()


@router.get("/sessions/{name}/faults")
async def plan(server: Mock, name: str) -> dict[str, Any]:
    """A session's own plan."""
    return (server.sessions.get(name).faults or FaultPlan()).to_data()


@router.put("/sessions/{name}/faults")
async def set_plan(server: Mock, name: str, plan: Any = Body()) -> dict[str, Any]:
    """Replace a session's own plan; the common one goes on beside it."""
    made = plan_from_data(plan, server.clock.now(name))
    server.sessions.get(name).faults = made
    return made.to_data()


@router.delete("/sessions/{name}/faults", status_code=204)
async def clear_plan(server: Mock, name: str) -> None:
    """No faults of its own for a session any more."""
    server.sessions.get(name).faults = None


@router.put("/pacing")
async def set_common_pacing(server: Mock, pacing: dict[str, Any] | None = Body()) -> dict[str, Any]:
    """How time passes in every session: `{"kind": "constant", "ttft": 0.2, "inter_token": 0.01}`; null: at once."""
    server.pacing = from_data(pacing) if pacing else None
    return {"pacing": pacing}


@router.put("/sessions/{name}/pacing")
async def set_pacing(server: Mock, name: str, pacing: dict[str, Any] | None = Body()) -> dict[str, Any]:
    """How time passes in a session; null: as on the server."""
    server.sessions.get(name).pacing = from_data(pacing) if pacing else None
    return {"pacing": pacing}
