"""The task API of a service as windtunnel.toml describes it, one exchange at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue

from harness.contracts.http.exchange import Caller, Exchange
from harness.core.clock import Clock
from harness.core.config import TasksApi
from harness.targets.fields import fill, pick


@dataclass(frozen=True)
class Watched:
    """A task followed to its end: each status word in the order it was first seen, and the last exchange."""

    states: tuple[str, ...]
    last: Exchange
    ended: bool


class TaskDoor:
    """Hands tasks in and asks about them; `session` names the conversation they belong to."""

    def __init__(self, caller: Caller, api: TasksApi, *, clock: Clock, session: str) -> None:
        self.api = api
        self._caller = caller
        self._clock = clock
        self._session = session

    def body(self, prompt: str, extra: Mapping[str, JsonValue] | None = None) -> dict[str, Any]:
        """What a task is sent as."""
        return {**fill(self.api.body, {"prompt": prompt, "session": self._session}), **(extra or {})}

    async def send(
        self, route: str, body: Any, *, key: str | None = None, headers: Mapping[str, str] | None = None
    ) -> Exchange:
        """Send `body` to `route` (`METHOD /path`) under an idempotency key, if any."""
        method, _, path = route.partition(" ")
        more = dict(headers or {})
        if key is not None and self.api.idempotency_header:
            more[self.api.idempotency_header] = key
        return await self._caller.send(method, path, body=body, headers=more, timeout_s=30)

    async def status(self, task_id: str) -> Exchange:
        """Ask about a task. Only for a service that declares a status route."""
        return await self._named(self.api.status or "GET /tasks/{id}", task_id)

    async def cancel(self, task_id: str) -> Exchange:
        """Ask for a task to be cancelled. Only for a service that declares a cancel route."""
        return await self._named(self.api.cancel or "POST /tasks/{id}/cancel", task_id)

    async def follow(self, task_id: str, *, timeout_s: float) -> Watched:
        """Poll until a state that ends a task, an answer that is no state, or `timeout_s` passed."""
        states: list[str] = []
        deadline = self._clock.monotonic() + timeout_s
        pause = 0.02
        while True:
            exchange = await self.status(task_id)
            state = self.state(exchange)
            if state and (not states or states[-1] != state):
                states.append(state)
            over = state in self.over
            if over or exchange.code is None or exchange.code >= 400 or self._clock.monotonic() >= deadline:
                return Watched(tuple(states), exchange, over)
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, 0.5)

    @property
    def over(self) -> tuple[str, ...]:
        """The states a task never leaves."""
        return (*self.api.succeeded, *self.api.failed)

    def accepted(self, exchange: Exchange) -> bool:
        """True when the service took the task."""
        return exchange.code in self.api.accepted

    def task_id(self, exchange: Exchange) -> str:
        """The id of the task in an answer, or an empty string."""
        value = pick(exchange.document, self.api.id_field)
        return "" if value is None else str(value)

    def state(self, exchange: Exchange) -> str:
        """The state of the task in an answer, or an empty string."""
        value = pick(exchange.document, self.api.status_field)
        return "" if value is None else str(value)

    async def _named(self, route: str, task_id: str) -> Exchange:
        method, _, path = route.partition(" ")
        return await self._caller.send(method, path.replace("{id}", task_id))


def fields(exchange: Exchange) -> str:
    """What an answer has instead of what was looked for, as the end of a sentence."""
    document = exchange.document
    return f", it has {', '.join(sorted(document))}" if isinstance(document, dict) and document else ""
