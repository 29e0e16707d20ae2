"""The way of a call through the registry: access, validation, the tool, validation again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
import structlog

from reference_agents.common import spans
from reference_agents.common.clock import Clock
from reference_agents.common.context import current
from reference_agents.common.metrics import RegistryMetrics
from reference_agents.common.problem import Refused
from reference_agents.registry.catalogue import Catalogue, complaint
from reference_agents.registry.model import InvocationResult, ToolDefinition


@dataclass
class Gateway:
    """The one gateway to tools. `acl` maps an agent to the tools it may call; an agent not in it may call none."""

    catalogue: Catalogue
    acl: Mapping[str, frozenset[str]]
    http: httpx.AsyncClient
    clock: Clock
    log: structlog.typing.FilteringBoundLogger
    metrics: RegistryMetrics

    def may(self, agent: str, tool: str) -> bool:
        """Is `tool` on the agent's list?"""
        return not self.acl.get(agent, frozenset()).isdisjoint((tool, "*"))

    async def invoke(self, tool: str, arguments: dict[str, Any], headers: Mapping[str, str]) -> InvocationResult:
        """Call `tool` for the agent that the headers name. Raises Refused: 403 not on its list, 404 no such
        tool, 422 arguments against the schema, 504 too slow, 502 the tool failed or broke its own schema."""
        agent = headers.get("x-agent-id", "")
        if not self.may(agent, tool):
            raise Refused(403, f"agent {agent or '(none)'!r} may not call {tool!r}")
        found = await self.catalogue.get(tool)
        if found is None:
            raise Refused(404, f"there is no tool {tool!r}")
        wrong = complaint(found.arguments, arguments)
        if wrong:
            raise Refused(422, f"arguments of {tool}: {wrong}")
        began = self.clock.monotonic()
        outcome = "error"
        try:
            with spans.span(
                f"invoke {tool}", "client", tool__name=tool, tool__version=found.definition.version, agent__name=agent
            ) as span:
                result = await self._forward(found.definition, arguments, headers)
                wrong = complaint(found.result, result)
                if wrong:
                    raise Refused(502, f"result of {tool} is against its schema: {wrong}")
                outcome = "ok"
                span.put(tool__outcome=outcome)
        finally:
            self.metrics.calls.labels(tool, agent, outcome).inc()
            self.metrics.duration.labels(tool).observe(self.clock.monotonic() - began)
            self.log.info(
                "tool invoked", tool=tool, version=found.definition.version, agent=agent, outcome=outcome,
                task_id=headers.get("x-task-id", ""), duration_ms=round((self.clock.monotonic() - began) * 1000, 1),
            )  # fmt: skip
        return InvocationResult(tool=tool, version=found.definition.version, result=result)

    async def _forward(self, tool: ToolDefinition, arguments: dict[str, Any], headers: Mapping[str, str]) -> Any:
        passed = ("x-agent-id", "x-task-id", "x-request-id", "idempotency-key")
        sent = {name: headers[name] for name in passed if name in headers}
        timeout_s = tool.timeout_ms / 1000
        try:
            response = await self.http.post(
                tool.endpoint, json=arguments, headers={**sent, **current().headers()}, timeout=timeout_s,
                extensions={"audience": _service(tool)},
            )  # fmt: skip
        except httpx.TimeoutException:
            raise Refused(504, f"the tool gave no answer within {timeout_s:g} s") from None
        except httpx.HTTPError as error:
            raise Refused(502, f"the tool cannot be reached: {type(error).__name__}") from None
        if response.status_code >= 500:
            raise Refused(502, f"the tool failed: HTTP {response.status_code}")
        if response.status_code != 200:
            raise Refused(422, f"the tool refused: HTTP {response.status_code}")
        try:
            return json.loads(response.content)
        except ValueError:
            raise Refused(502, "the tool's answer is not JSON") from None


def _service(tool: ToolDefinition) -> str:
    """Which service has the tool: one of its own, or `tools`, which serves several, each under /tools/."""
    shared = urlsplit(tool.endpoint).path.startswith("/tools/")
    return "tools" if shared else f"tool-{tool.name.replace('_', '-')}"
