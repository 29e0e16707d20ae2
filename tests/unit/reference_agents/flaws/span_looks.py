"""What the flaws of tracing do, seen in the spans."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from reference_agents.api.service import assemble
from reference_agents.common import spans
from reference_agents.common.context import CURRENT, Trace, current
from reference_agents.common.settings import Model, Settings
from reference_agents.flaws import with_flaw
from reference_agents.llm.messages import Message
from reference_agents.queue.messages import Received
from reference_agents.runner.tools import ToolOutcome
from tests.unit.reference_agents.flaws.queue_looks import consumer

TRACE = "0af7651916cd43dd8448eb211c80319c"


@contextmanager
def traced() -> Iterator[InMemorySpanExporter]:
    """What is done within is traced, into the exporter."""
    exporter = InMemorySpanExporter()
    spans.configure("test", "pod", exporter=exporter)
    try:
        yield exporter
    finally:
        spans.configure("test", "pod", env={})


async def tokens_of_a_model_call(name: str) -> Any:
    """What the span of a model call says of its tokens."""
    answer = {
        "id": "1", "object": "chat.completion", "model": "gpt-4o",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "SECRET"}}],
        "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10},
    }  # fmt: skip
    parts = assemble("search", Settings.of({}))
    object.__setattr__(
        parts.llm.wire,
        "http",
        httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(200, json=answer))),
    )
    parts = with_flaw(parts, name)
    with traced() as seen:
        wire = parts.llm.wire
        await wire.ask(Model("openai", "gpt-4o"), [Message(role="user", content="p")], (), max_tokens=9, within_s=5)
    (span,) = seen.get_finished_spans()
    return dict(span.attributes or {}).get("gen_ai.usage.input_tokens")


async def spans_of_a_tool_call(name: str) -> int:
    """How many spans a tool call has at the agent."""

    class Box:
        async def call(self, name: str, arguments: dict[str, Any], *, key: str, task_id: str) -> ToolOutcome:
            return ToolOutcome(True, "{}", version="1.0.0")

    parts = with_flaw(assemble("search", Settings.of({})), name)
    parts.runner.tools = Box()  # type: ignore[assignment]
    with traced() as seen:
        await parts.runner._tried("web_search", {"query": "SECRET"}, "key", "task", 1)
    return len(seen.get_finished_spans())


async def trace_of_an_event(name: str) -> bool:
    """Is an event handled in the trace that it came with?"""
    found: list[str] = []

    async def handle(message: Received) -> None:
        found.append(current().trace_id)

    headers = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
    before = CURRENT.set(Trace("f" * 32))
    try:
        await consumer(name, handle, [])._one(Received("tasks", b"", b"", headers))
    finally:
        CURRENT.reset(before)
    return found == [TRACE]
