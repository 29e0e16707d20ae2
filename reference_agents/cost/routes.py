"""GET /cost: what a session, a user or this agent has spent."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from redis.exceptions import RedisError

from reference_agents.common.problem import Refused, declared
from reference_agents.cost.accounts import Account
from reference_agents.cost.prices import NANOS
from reference_agents.cost.till import Till

SessionId = Annotated[str | None, Query(min_length=1, max_length=128, description="What this session has spent.")]
UserId = Annotated[str | None, Query(min_length=1, max_length=128, description="As tasks name it in `user_id`.")]
Day = Annotated[
    str | None,
    Query(pattern=r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$",
          description="Of a user or the agent, in UTC; today without it. Days are kept for 35 days."),
]  # fmt: skip


class ModelCost(BaseModel):
    """What one model took."""

    prompt_tokens: int
    completion_tokens: int
    usd: float


class Cost(BaseModel):
    """What was spent. A session's is counted over every agent until it was idle for a day."""

    of: Literal["session", "user", "agent"]
    day: str | None = None
    tokens: int
    usd: float
    models: dict[str, ModelCost]
    unpriced: list[str] = Field(description="Models that the price list does not know: their tokens cost 0 here.")
    held: int = Field(0, description="Tokens reserved for calls under way.")
    cap: int | None = Field(None, description="Tokens that a session may spend.")


def router(till: Till, agent: str) -> APIRouter:
    """The route over the accounts of `till`."""
    routes = APIRouter()
    accounts = till.accounts

    @routes.get("/cost", responses=declared(422, 503), summary="What was spent: by a session, a user, or this agent")
    async def cost(session_id: SessionId = None, user_id: UserId = None, day: Day = None) -> Cost:
        """`session_id` goes before `user_id`; without both it is the agent's. `of` in the answer says which."""
        when = day or accounts.today()
        try:
            if session_id is not None:
                return _cost(till, "session", await accounts.of_session(session_id)).model_copy(
                    update={"cap": till.cap}
                )
            if user_id is not None:
                return _cost(till, "user", await accounts.of_user(user_id, when), when)
            return _cost(till, "agent", await accounts.of_agent(agent, when), when)
        except RedisError:
            raise Refused(503, "the accounts cannot be read at present") from None

    return routes


def _cost(till: Till, of: Literal["session", "user", "agent"], account: Account, day: str | None = None) -> Cost:
    rows = account.models.items()
    return Cost(
        of=of,
        day=day,
        tokens=sum(spent.prompt + spent.completion for _, spent in rows),
        usd=sum(spent.nanos for _, spent in rows) / NANOS,
        models={
            model: ModelCost(prompt_tokens=row.prompt, completion_tokens=row.completion, usd=row.nanos / NANOS)
            for model, row in rows
        },
        unpriced=[model for model, _ in rows if till.prices.of(model) is None],
        held=account.held,
    )
