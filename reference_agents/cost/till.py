"""The till: every model call of a service goes through it, is reserved for before and paid for after."""

from __future__ import annotations

import contextlib
import math
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from redis.asyncio import Redis
from redis.exceptions import RedisError

from reference_agents.common.clock import Clock
from reference_agents.common.metrics import Metrics
from reference_agents.common.settings import Settings
from reference_agents.cost.accounts import Accounts, Hold, NoRoom, Payer, Spent
from reference_agents.cost.prices import NANOS, Prices
from reference_agents.llm.errors import LLMError
from reference_agents.llm.messages import Message, Reply, ToolSpec
from reference_agents.runner import tokens

MARGIN = 1.25  # vendors count the same words differently: by so much more room is kept for the prompt
LONGEST_HOLD_S = 120.0  # a call that takes longer than this has lost its worker


class SessionCapExceeded(LLMError):
    """The session has no room for the call, so it was not made."""


class Asked(Protocol):
    """Whoever answers: the LLM client."""

    async def ask(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec] = (), *, max_tokens: int, deadline: float
    ) -> Reply: ...


@dataclass
class Till:
    """Asks a model on a payer's account. `cap` is in tokens of a session, over all agents."""

    accounts: Accounts
    prices: Prices
    metrics: Metrics
    clock: Clock
    cap: int

    async def ask(
        self, llm: Asked, payer: Payer, messages: Sequence[Message], tools: Sequence[ToolSpec] = (), *,
        max_tokens: int, deadline: float,
    ) -> Reply:  # fmt: skip
        """`llm`'s reply. Reserves what it may cost at most, asks, enters what it did cost.

        Raises SessionCapExceeded before anything is asked, what `llm` raises, and RedisError: without accounts
        nothing is spent.
        """
        most = math.ceil(tokens.of_request(messages, tools) * MARGIN) + max_tokens
        hold = Hold(uuid.uuid4().hex, most, payer)
        try:
            await self.accounts.reserve(hold, cap=self.cap, for_s=self._hold_s(deadline))
        except NoRoom as no:
            self.metrics.capped.labels(payer.agent).inc()
            raise SessionCapExceeded("session_cap_exceeded", f"{no} of {self.cap} tokens, {most} wanted") from None
        try:
            reply = await llm.ask(messages, tools, max_tokens=max_tokens, deadline=deadline)
        except BaseException:
            with contextlib.suppress(RedisError):  # the hold ends by itself
                await self.accounts.release(hold)
            raise
        await self.enter(hold, reply)
        return reply

    async def enter(self, hold: Hold, reply: Reply) -> None:
        """Count what a reply cost, in the metrics and in the accounts."""
        nanos = self.prices.nanos(reply.model, reply.prompt_tokens, reply.completion_tokens)
        agent = hold.payer.agent
        for kind, amount in (("prompt", reply.prompt_tokens), ("completion", reply.completion_tokens)):
            self.metrics.tokens.labels(agent, reply.model, kind).inc(amount)
        self.metrics.cost.labels(agent, reply.model).inc(nanos / NANOS)
        await self.accounts.settle(hold, reply.model, Spent(reply.prompt_tokens, reply.completion_tokens, nanos))

    def _hold_s(self, deadline: float) -> float:
        return min(LONGEST_HOLD_S, max(0.0, deadline - self.clock.monotonic()) + 5.0)


def user_of(metadata: dict[str, Any]) -> str:
    """The user that a task is for, as its metadata names one; empty without."""
    found = metadata.get("user_id")
    return found[:128] if isinstance(found, str) else ""


def till(settings: Settings, redis: Redis, metrics: Metrics, clock: Clock) -> Till:
    """The till that the settings describe. Raises ValueError for a price list that is none."""
    return Till(Accounts(redis, clock), Prices.read(settings.prices_file), metrics, clock, settings.session_token_cap)
