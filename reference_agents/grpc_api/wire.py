"""Between the messages of agents.proto and the tasks of every other door."""

from __future__ import annotations

import json
import uuid

from pydantic import ValidationError

from reference_agents.common.context import current
from reference_agents.grpc_api import agents_pb2 as pb
from reference_agents.runner.schemas import AgentResult, AgentTask, TaskStatus


class Invalid(Exception):
    """The request is no task; the text says why."""


def task_of(request: pb.RunTaskRequest) -> AgentTask:
    """The task that is asked for; 0 stands for a default. Raises Invalid."""
    trace = current()
    bounds = {"max_steps": request.max_steps, "token_budget": request.token_budget}
    try:
        return AgentTask.model_validate(
            {
                "id": str(uuid.uuid4()),
                "session_id": request.session_id,
                "prompt": request.prompt,
                "metadata": dict(request.metadata),
                "trace_id": trace.trace_id,
                "span_id": trace.span_id,
                "baggage": trace.baggage,
                **{name: value for name, value in bounds.items() if value},
            }
        )
    except ValidationError as error:
        rows = [f"{'.'.join(map(str, row['loc']))}: {row['msg']}" for row in error.errors()[:5]]
        raise Invalid("; ".join(rows)) from None


def status_of(status: TaskStatus) -> pb.TaskStatus:
    """The status as the protocol counts it."""
    found: pb.TaskStatus = pb.TaskStatus.Value(f"TASK_STATUS_{status.upper()}")
    return found


def result_of(result: AgentResult) -> pb.TaskResult:
    """A result as the protocol says it."""
    calls = [
        pb.ToolCallRecord(
            tool=call.tool,
            arguments_json=json.dumps(call.arguments),
            outcome=call.outcome,
            attempt=call.attempt,
            duration_ms=call.duration_ms,
            error=call.error,
        )
        for call in result.tool_calls
    ]
    return pb.TaskResult(
        task_id=result.task_id,
        status=status_of(result.status),
        output=result.output,
        error=result.error,
        steps_used=result.steps_used,
        tokens_used=result.tokens_used,
        tool_calls=calls,
        model=result.model,
        duration_ms=result.duration_ms,
        attempts=result.attempts,
    )
