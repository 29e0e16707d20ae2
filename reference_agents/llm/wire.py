"""One request to one model over HTTP: time limits, and errors sorted by what to do about them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Protocol

import httpx
import orjson

from reference_agents.common import spans
from reference_agents.common.clock import Clock
from reference_agents.common.context import current
from reference_agents.common.settings import Model
from reference_agents.llm.errors import LLMError, Rejected, TimedOut, Transient
from reference_agents.llm.messages import Message, Reply, ToolSpec

RETRYABLE = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})


class Dialect(Protocol):
    """A provider's protocol: see openai.py and anthropic.py."""

    url: str
    headers: dict[str, str]

    def body(
        self, model: str, messages: Sequence[Message], tools: Sequence[ToolSpec], max_tokens: int
    ) -> dict[str, Any]: ...

    def reply(self, model: str, body: Any) -> Reply: ...


@dataclass(frozen=True)
class Limits:
    """Seconds for a connection, between two reads, and for the whole request."""

    connect_s: float | None = 2.0
    read_s: float | None = 5.0
    total_s: float | None = 12.0


@dataclass(frozen=True)
class Wire:
    """Sends one request; tries nothing twice."""

    http: httpx.AsyncClient
    dialects: Mapping[str, Dialect]
    limits: Limits
    clock: Clock

    async def ask(
        self, model: Model, messages: Sequence[Message], tools: Sequence[ToolSpec], *, max_tokens: int, within_s: float
    ) -> Reply:
        """The model's reply within `within_s` seconds. Raises LLMError."""
        with spans.span(
            f"chat {model.name}", "client", gen_ai__operation__name="chat", gen_ai__provider__name=model.protocol,
            gen_ai__request__model=model.name, gen_ai__request__max_tokens=max_tokens, llm__model=model.name,
        ) as span:  # fmt: skip
            try:
                reply = await self._ask(model, messages, tools, max_tokens, within_s)
            except LLMError as error:
                span.failed(error.reason)
                span.put(llm__outcome=error.reason)
                raise
            span.put(
                gen_ai__response__model=reply.model, gen_ai__usage__input_tokens=reply.prompt_tokens,
                gen_ai__usage__output_tokens=reply.completion_tokens, llm__prompt_tokens=reply.prompt_tokens,
                llm__completion_tokens=reply.completion_tokens, llm__outcome="ok",
            )  # fmt: skip
            return reply

    async def _ask(
        self, model: Model, messages: Sequence[Message], tools: Sequence[ToolSpec], max_tokens: int, within_s: float
    ) -> Reply:
        dialect = self.dialects[model.protocol]
        body = orjson.dumps(dialect.body(model.name, messages, tools, max_tokens))
        headers = {"Content-Type": "application/json", **dialect.headers, **current().headers()}
        total = within_s if self.limits.total_s is None else min(within_s, self.limits.total_s)
        timeout = httpx.Timeout(None, connect=self.limits.connect_s, read=self.limits.read_s, pool=self.limits.total_s)
        try:
            async with asyncio.timeout(total):
                response = await self.http.post(dialect.url, content=body, headers=headers, timeout=timeout)
        except (TimeoutError, httpx.ReadTimeout, httpx.WriteTimeout, httpx.PoolTimeout) as error:
            raise TimedOut("timeout", type(error).__name__) from None
        except httpx.TransportError as error:
            raise Transient("connection", type(error).__name__) from None
        if response.status_code != 200:
            raise self._refusal(response)
        try:
            return dialect.reply(model.name, orjson.loads(response.content))
        except orjson.JSONDecodeError:
            raise Transient("unreadable_answer", "no JSON") from None

    def _refusal(self, response: httpx.Response) -> LLMError:
        code = response.status_code
        if code in RETRYABLE:
            return Transient(f"http_{code}", retry_after_s=retry_after(response.headers, self.clock.epoch()))
        return Rejected(f"http_{code}", malformed=code in (400, 413, 422))


def retry_after(headers: httpx.Headers, now: float) -> float | None:
    """Seconds that `retry-after-ms` or `Retry-After` (seconds, or a date after `now`) ask for; None without."""
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            return max(0.0, float(headers[name]) * scale)
        except (KeyError, ValueError):
            continue
    try:
        when = parsedate_to_datetime(headers["retry-after"])
    except (KeyError, ValueError):
        return None
    return max(0.0, (when - datetime.fromtimestamp(now, UTC)).total_seconds())
