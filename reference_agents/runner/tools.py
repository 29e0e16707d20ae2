"""The agent's side of the tool registry."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import httpx

from reference_agents.common.context import current
from reference_agents.llm.messages import ToolSpec


@dataclass(frozen=True)
class ToolOutcome:
    """What a call came to. `retryable`: the tool may do it if asked again with the same key."""

    ok: bool
    content: str
    error: str = ""
    retryable: bool = False
    version: str = ""  # of the tool, where the registry has one of that name


class ToolBox(Protocol):
    """What an agent can do."""

    async def specs(self) -> Sequence[ToolSpec]: ...

    async def call(self, name: str, arguments: dict[str, Any], *, key: str, task_id: str) -> ToolOutcome: ...


def effect_key(task_id: str, tool: str, arguments: dict[str, Any], occurrence: int) -> str:
    """The idempotency key of an action: WHAT it is (task, tool, arguments, how many times before), never when or
    at which step, so that a resumed task asks for the same effect under the same key."""
    text = json.dumps([task_id, tool, arguments, occurrence], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@dataclass
class RegistryClient:
    """Tools through the registry, which validates, checks access and forwards."""

    http: httpx.AsyncClient
    url: str
    agent_id: str
    timeout_s: float = 10.0
    _specs: list[ToolSpec] = field(default_factory=list)
    _versions: dict[str, str] = field(default_factory=dict)

    async def specs(self) -> Sequence[ToolSpec]:
        """The tools that this agent may call; asked for once, then remembered. Raises httpx.HTTPError."""
        if not self._specs:
            response = await self.http.get(
                f"{self.url}/tools",
                headers={"x-agent-id": self.agent_id, **current().headers()},
                timeout=self.timeout_s,
                extensions={"audience": "tool-registry"},
            )
            response.raise_for_status()
            rows = response.json()["tools"]
            self._versions = {row["name"]: str(row.get("version", "")) for row in rows}
            self._specs = [
                ToolSpec(name=row["name"], description=row["description"], parameters=row["parameters"]) for row in rows
            ]
        return self._specs

    async def call(self, name: str, arguments: dict[str, Any], *, key: str, task_id: str) -> ToolOutcome:
        """Call a tool. A failure is an outcome, not an exception: the model is to hear of it."""
        outcome = await self._call(name, arguments, key, task_id)
        return dataclasses.replace(outcome, version=self._versions.get(name, ""))

    async def _call(self, name: str, arguments: dict[str, Any], key: str, task_id: str) -> ToolOutcome:
        headers = {"x-agent-id": self.agent_id, "x-task-id": task_id, "idempotency-key": key, **current().headers()}
        try:
            response = await self.http.post(
                f"{self.url}/tools/{name}/invoke",
                json={"arguments": arguments},
                headers=headers,
                timeout=self.timeout_s,
                extensions={"audience": "tool-registry"},
            )
        except httpx.HTTPError as error:
            return ToolOutcome(False, "", f"the registry cannot be reached: {type(error).__name__}", retryable=True)
        try:
            body = response.json()
        except ValueError:
            body = {}
        if response.status_code == 200:
            return ToolOutcome(True, json.dumps(body.get("result")))
        detail = str(body.get("detail", f"HTTP {response.status_code}"))
        return ToolOutcome(False, "", detail, retryable=response.status_code in (429, 502, 503, 504))
