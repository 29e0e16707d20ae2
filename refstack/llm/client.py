"""The LLM client: a cascade of models, each behind a breaker, each asked with retries and timeouts."""

from __future__ import annotations

import asyncio
import email.utils
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import httpx

from refstack.common.clock import Clock
from refstack.common.context import current
from refstack.common.metrics import Metrics
from refstack.common.settings import Model
from refstack.llm.breaker import CircuitBreaker
from refstack.llm.errors import AllModelsFailed, LlmError
from refstack.llm.protocols import WireProtocol
from refstack.llm.retry import Backoff
from refstack.runner.messages import Message, Reply, ToolSpec

RETRYABLE = frozenset({408, 409, 429, 500, 502, 503, 504, 529})


@dataclass
class LlmClient:
    """Asks the first model that is to be had.

    Per model: up to `attempts` tries on retryable errors, `total_s` seconds for each try. A timeout is not
    tried again on the same model: who was slow once is likely slow twice, and the next model waits.
    """

    http: httpx.AsyncClient
    protocols: Mapping[str, WireProtocol]
    cascade: Sequence[Model]
    breakers: Mapping[str, CircuitBreaker]
    backoff: Backoff
    clock: Clock
    rng: random.Random
    metrics: Metrics
    attempts: int = 3
    total_s: float = 12.0

    async def complete(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec], *, max_tokens: int, deadline: float
    ) -> Reply:
        """The first answer that the cascade gives before `deadline` (clock.monotonic). Raises AllModelsFailed."""
        reasons: list[str] = []
        for model in self.cascade:
            breaker = self.breakers[model.name]
            for attempt in range(1, self.attempts + 1):
                if self.clock.monotonic() >= deadline:
                    raise AllModelsFailed("deadline; " + "; ".join(reasons))
                if not breaker.allow():
                    reasons.append(f"{model.name}: circuit open")
                    break
                try:
                    reply = await self._ask(model, messages, tools, max_tokens, deadline)
                except LlmError as error:
                    breaker.failed() if error.counts else breaker.abandoned()
                    self.metrics.llm.labels(self.metrics.agent, model.name, "error").inc()
                    reasons.append(f"{model.name}: {error}")
                    wait = self.backoff.wait_s(attempt, error.retry_after_s, self.rng) if error.retryable else None
                    if wait is None or attempt == self.attempts or self.clock.monotonic() + wait >= deadline:
                        break
                    await asyncio.sleep(wait)
                except BaseException:
                    breaker.abandoned()
                    raise
                else:
                    breaker.succeeded()
                    self.metrics.llm.labels(self.metrics.agent, model.name, "ok").inc()
                    return reply
        raise AllModelsFailed("; ".join(reasons))

    async def _ask(
        self, model: Model, messages: Sequence[Message], tools: Sequence[ToolSpec], max_tokens: int, deadline: float
    ) -> Reply:
        protocol = self.protocols[model.protocol]
        path, headers, body = protocol.request(model.name, messages, tools, max_tokens)
        limit = min(self.total_s, deadline - self.clock.monotonic())
        try:
            async with asyncio.timeout(limit):
                response = await self.http.post(
                    protocol.base_url + path, json=body, headers={**headers, **current().headers()}
                )
        except (httpx.TimeoutException, TimeoutError) as error:
            raise LlmError(f"timeout ({type(error).__name__})", retryable=False) from None
        except httpx.HTTPError as error:
            raise LlmError(type(error).__name__, retryable=True) from None
        if response.status_code != 200:
            code = response.status_code
            wait = retry_after(response.headers)
            again = code in RETRYABLE
            raise LlmError(f"HTTP {code}", retryable=again, retry_after_s=wait, counts=again)
        try:
            parsed = response.json()
        except ValueError:
            raise LlmError("the answer is not JSON", retryable=True) from None
        return protocol.reply(parsed).model_copy(update={"model": model.name})


def retry_after(headers: httpx.Headers) -> float | None:
    """Seconds from `retry-after-ms`, else from `Retry-After` in either of its forms (RFC 9110, 10.2.3)."""
    if headers.get("retry-after-ms", "").isdigit():
        return int(headers["retry-after-ms"]) / 1000
    text = headers.get("retry-after")
    if text is None:
        return None
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        wanted = email.utils.parsedate_to_datetime(text)
        sent = email.utils.parsedate_to_datetime(headers["date"])
    except (ValueError, KeyError, TypeError):
        return None
    return max(0.0, (wanted - sent).total_seconds())
