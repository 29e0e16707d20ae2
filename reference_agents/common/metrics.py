"""The stack's Prometheus metrics. Buckets are those usual for agents: 0.5 to 120 s, 1 to 25 steps."""

from __future__ import annotations

from collections.abc import Collection

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """One agent's metrics, in a registry of their own. `tools` are those it has: a model may name any other."""

    def __init__(self, agent: str, tools: Collection[str] = ()) -> None:
        self.registry = CollectorRegistry()
        self.agent, self.tools = agent, frozenset(tools)
        self.tasks = Counter("agent_tasks", "Tasks by how they ended", ["agent", "status"], registry=self.registry)
        self.duration = Histogram(
            "agent_task_duration_seconds", "From claim to end", ["agent"], registry=self.registry,
            buckets=(0.5, 1, 2, 5, 10, 20, 30, 60, 120),
        )  # fmt: skip
        self.tokens = Counter(
            "agent_llm_tokens", "Tokens by model and kind", ["agent", "model", "kind"], registry=self.registry
        )
        self.cost = Counter(
            "agent_llm_cost_usd", "US dollars by model, by the price list", ["agent", "model"], registry=self.registry
        )
        self.capped = Counter(
            "agent_session_cap_refusals", "Model calls not made for their session's cap", ["agent"],
            registry=self.registry,
        )  # fmt: skip
        self.calls = Counter(
            "agent_tool_calls", "Tool calls by outcome", ["agent", "tool", "outcome"], registry=self.registry
        )
        self.steps = Histogram(
            "agent_steps_per_task",
            "Steps a task took",
            ["agent"],
            registry=self.registry,
            buckets=(1, 2, 3, 5, 8, 13, 21, 25),
        )
        self.llm = Counter(
            "agent_llm_requests", "LLM requests by outcome", ["agent", "model", "outcome"], registry=self.registry
        )
        self.breaker = Gauge(
            "agent_llm_breaker_state", "0 closed, 1 half-open, 2 open", ["agent", "model"], registry=self.registry
        )
        self.queue = Gauge("agent_queue_depth", "Tasks waiting for a worker", ["agent"], registry=self.registry)
        for status in ("completed", "failed", "cancelled"):
            self.tasks.labels(agent, status)
        for plain in (self.duration, self.steps, self.queue, self.capped):
            plain.labels(agent)  # there from the start, so that a rate over them sees the first task

    def called(self, tool: str, outcome: str) -> None:
        """Count a tool call. What a model made up is one label, not one a name."""
        self.calls.labels(self.agent, tool if tool in self.tools else "unknown", outcome).inc()

    def exposition(self) -> bytes:
        """The text that /metrics answers."""
        return generate_latest(self.registry)


class RegistryMetrics:
    """The registry's metrics. Only tools that exist and agents that may call them become labels."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.calls = Counter(
            "tool_invocations", "Calls by outcome", ["tool", "agent", "outcome"], registry=self.registry
        )
        self.duration = Histogram(
            "tool_invocation_duration_seconds", "From forward to answer", ["tool"], registry=self.registry
        )

    def exposition(self) -> bytes:
        """The text that /metrics answers."""
        return generate_latest(self.registry)
