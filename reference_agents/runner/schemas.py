"""What goes into an agent and what comes out of it, over whichever door."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field


class TaskStatus(StrEnum):
    """pending -> running -> one of the last three, which a task never leaves."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


TERMINAL = frozenset({TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.CANCELLED})


class TaskRequest(BaseModel):
    """A task as a caller hands it in."""

    model_config = ConfigDict(extra="forbid")

    session_id: Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9._:@/-]+$")]
    prompt: Annotated[str, Field(min_length=1, max_length=32_768)]
    metadata: dict[str, Any] = Field(default_factory=dict)
    max_steps: Annotated[int, Field(ge=1, le=25)] = 10
    token_budget: Annotated[int, Field(ge=512, le=32_768)] = 8192


class AgentTask(TaskRequest):
    """An accepted task: it has an id, and the trace and span of the request that brought it."""

    id: str
    trace_id: str = ""
    span_id: str = ""
    baggage: str = ""


class ToolCallRecord(BaseModel):
    """One attempt at a tool call: what was asked for and whether it worked, not what it said."""

    tool: str
    arguments: dict[str, Any]
    outcome: str
    attempt: int = 1
    duration_ms: float = 0
    error: str = ""


class AgentResult(BaseModel):
    """How a task stands or ended. What was spent is counted also when it failed."""

    task_id: str
    status: TaskStatus
    output: str = ""
    model: str = Field("", description="Which model gave the last answer.")
    steps_used: int = 0
    tokens_used: int = 0
    tool_calls: list[ToolCallRecord] = Field(default_factory=list)
    error: str = ""
    duration_ms: float = 0
    attempts: int = Field(0, description="How many workers the task has had.")
