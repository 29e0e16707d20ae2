"""The orchestrator's side of an agent: hand a task in, ask how it stands until it is over."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import httpx
from pydantic import ValidationError

from reference_agents.common.context import current
from reference_agents.orchestrator.directory import AgentEntry
from reference_agents.orchestrator.supervisor import Recoverable, Unrecoverable
from reference_agents.runner.schemas import TERMINAL, AgentResult, TaskRequest

REQUEST_S = 5.0
FIRST_POLL_S, LONGEST_POLL_S = 0.05, 1.0
ASK_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})


class Agents(Protocol):
    """How the orchestrator has tasks done."""

    async def run(self, agent: str, request: TaskRequest, key: str) -> AgentResult:
        """The terminal result of `request` at `agent`; the same key is the same task. Has no limit of its own.

        Raises Recoverable and Unrecoverable.
        """

    async def cancel(self, agent: str, request: TaskRequest, key: str) -> None:
        """Ask for the end of what `run` was asked with this key; that nobody answers is not an error."""


@dataclass
class HttpAgents:
    """Agents by POST /tasks and GET /tasks/{id}."""

    http: httpx.AsyncClient
    agents: Mapping[str, AgentEntry]

    async def run(self, agent: str, request: TaskRequest, key: str) -> AgentResult:
        """See Agents. Between two looks it waits a little longer each time, up to a second."""
        url = self.agents[agent].url.rstrip("/")
        result = await self._ask(agent, "POST", f"{url}/tasks", request, key)
        wait = FIRST_POLL_S
        while result.status not in TERMINAL:
            await asyncio.sleep(wait)
            wait = min(LONGEST_POLL_S, wait * 1.5)
            result = await self._ask(agent, "GET", f"{url}/tasks/{result.task_id}")
        return result

    async def cancel(self, agent: str, request: TaskRequest, key: str) -> None:
        """See Agents. Handing the task in again under its key is how its id is learnt for sure."""
        url = self.agents[agent].url.rstrip("/")
        try:
            found = await self._ask(agent, "POST", f"{url}/tasks", request, key)
            if found.status not in TERMINAL:
                await self._ask(agent, "POST", f"{url}/tasks/{found.task_id}/cancel")
        except (Recoverable, Unrecoverable):
            pass  # it will end at its own deadline

    async def _ask(
        self, agent: str, method: str, url: str, request: TaskRequest | None = None, key: str = ""
    ) -> AgentResult:
        headers = current().headers()
        if key:
            headers["idempotency-key"] = key
        body = request.model_dump() if request is not None else None
        try:
            answer = await self.http.request(
                method, url, json=body, headers=headers, timeout=REQUEST_S,
                extensions={"audience": f"agent-{agent}"},
            )  # fmt: skip
        except httpx.HTTPError as error:
            raise Recoverable(f"the agent cannot be reached: {type(error).__name__}") from None
        if answer.status_code in ASK_AGAIN:
            raise Recoverable(f"the agent answered HTTP {answer.status_code}", _retry_after(answer))
        if answer.status_code == 404 and method == "GET":
            raise Recoverable("the agent does not know the task any more")
        if answer.status_code not in (200, 202):
            raise Unrecoverable(f"the agent refused: HTTP {answer.status_code}")
        try:
            return AgentResult.model_validate_json(answer.content)
        except ValidationError:
            raise Unrecoverable("the agent's answer is not a task's result") from None


@dataclass
class ByTransport:
    """Agents of two kinds: those called `queued` by events, the others over HTTP."""

    http: Agents
    events: Agents
    queued: frozenset[str]

    async def run(self, agent: str, request: TaskRequest, key: str) -> AgentResult:
        """See Agents."""
        return await self._way(agent).run(agent, request, key)

    async def cancel(self, agent: str, request: TaskRequest, key: str) -> None:
        """See Agents."""
        await self._way(agent).cancel(agent, request, key)

    def _way(self, agent: str) -> Agents:
        return self.events if agent in self.queued else self.http


def _retry_after(answer: httpx.Response) -> float:
    """Seconds that the answer asks to wait, 30 at most; a date is not understood and asks for nothing."""
    text = answer.headers.get("retry-after", "")
    return min(30.0, float(text)) if text.isdigit() else 0.0
