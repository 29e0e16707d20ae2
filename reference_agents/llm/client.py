"""The LLM client: a cascade of models, each with its breaker, under one deadline.

primary -> cheaper -> another vendor
   |  transient error: wait (back-off with jitter, Retry-After), try again
   |  too slow, breaker open, refused, attempts used up: on to the next
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from reference_agents.common.clock import Clock
from reference_agents.common.metrics import Metrics
from reference_agents.common.settings import Model
from reference_agents.llm.backoff import Backoff
from reference_agents.llm.breaker import Breaker
from reference_agents.llm.errors import LLMError, Rejected, TimedOut, Transient, Unavailable
from reference_agents.llm.messages import Message, Reply, ToolSpec
from reference_agents.llm.wire import Wire

PATIENCE_S = 3.0  # A provider that asks for more quiet than this is passed over for the next model.


@dataclass
class LLMClient:
    """Answers as long as one model of `cascade` does."""

    wire: Wire
    cascade: Sequence[Model]
    breakers: Mapping[Model, Breaker]
    backoff: Backoff
    clock: Clock
    metrics: Metrics
    attempts: int = 3
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def ask(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec] = (), *, max_tokens: int, deadline: float
    ) -> Reply:
        """One reply before `deadline` (on the clock's monotonic scale).

        Raises TimedOut when the deadline passed, Rejected for a request that no model would take, and
        Unavailable, with each model's reason, when the cascade is at its end.
        """
        reasons = []
        for model in self.cascade:
            try:
                return await self._ask_model(model, messages, tools, max_tokens, deadline)
            except LLMError as error:
                if isinstance(error, Rejected) and error.malformed:
                    raise
                if self.clock.monotonic() >= deadline:
                    raise TimedOut("deadline_exceeded", error.reason) from None
                reasons.append(f"{model.name} {error.reason}")
        raise Unavailable("llm_unavailable", ", ".join(reasons))

    def states(self) -> dict[str, str]:
        """Each model's breaker, for /health."""
        for model, breaker in self.breakers.items():
            self.metrics.breaker.labels(self.metrics.agent, model.name).set(breaker.state)
        return {model.name: breaker.state.name.lower() for model, breaker in self.breakers.items()}

    async def _ask_model(
        self, model: Model, messages: Sequence[Message], tools: Sequence[ToolSpec], max_tokens: int, deadline: float
    ) -> Reply:
        breaker = self.breakers[model]
        error: LLMError = Transient("breaker_open")
        for attempt in range(self.attempts):
            if not breaker.admit():
                raise error
            left = deadline - self.clock.monotonic()
            try:
                reply = await self.wire.ask(model, messages, tools, max_tokens=max_tokens, within_s=max(left, 0.0))
            except Transient as problem:
                error = problem
                self._count(model, problem.reason)
                self._judge(breaker, problem)
            except TimedOut as problem:
                self._count(model, problem.reason)
                breaker.failed()
                raise
            except Rejected as problem:
                self._count(model, problem.reason)
                breaker.succeeded()
                raise
            except BaseException:
                breaker.abandoned()
                raise
            else:
                self._count(model, "ok")
                breaker.succeeded()
                return reply
            wait = self.backoff.wait_s(attempt, error.retry_after_s)
            left = deadline - self.clock.monotonic()
            if attempt + 1 == self.attempts or wait > min(PATIENCE_S, left):
                raise error
            await self.sleep(wait)
        raise error

    def _judge(self, breaker: Breaker, problem: Transient) -> None:
        if problem.retry_after_s is None:
            breaker.failed()
        else:
            breaker.abandoned()  # It said when to come back: it is alive.
            breaker.hold(problem.retry_after_s)

    def _count(self, model: Model, outcome: str) -> None:
        self.metrics.llm.labels(self.metrics.agent, model.name, outcome).inc()
