"""A request as the task that the store keeps."""

from __future__ import annotations

import uuid

from reference_agents.common.context import Trace
from reference_agents.orchestrator.schemas import OrchestrationRequest
from reference_agents.runner.schemas import AgentTask, TaskRequest


def task_of(request: OrchestrationRequest, trace: Trace) -> AgentTask:
    """A new task within `trace`; an orchestration's own settings travel in its metadata."""
    plain = request.model_dump(include=set(TaskRequest.model_fields))
    plain["metadata"] = {**request.metadata, "on_failure": str(request.on_failure)}
    where = {"trace_id": trace.trace_id, "span_id": trace.span_id, "baggage": trace.baggage}
    return AgentTask(id=str(uuid.uuid4()), **where, **plain)
