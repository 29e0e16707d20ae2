"""What goes in and out of an agent."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class TaskStatus(StrEnum):
    """pending -> running -> completed | failed | cancelled. The last three are for good."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


TERMINAL = frozenset({TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.CANCELLED})


class TaskRequest(BaseModel):
    """A task as a caller hands it in."""

    model_config = ConfigDict(extra="forbid")

    prompt: str = Field(min_length=1, max_length=32_000, description="What the agent is asked to do.")
    session_id: str = Field("default", min_length=1, max_length=128, pattern=r"^[A-Za-z0-9._:-]+$")
    metadata: dict[str, str] = Field(default_factory=dict, max_length=32)
    max_steps: int = Field(10, ge=1, le=25, strict=True)
    token_budget: int = Field(8192, ge=512, le=32_768, strict=True)


class AgentTask(TaskRequest):
    """A task with its id and the trace it belongs to."""

    id: str
    trace_id: str = ""
    baggage: str = ""


class ToolCallRecord(BaseModel):
    """One tool call of a task, as the result reports it."""

    tool: str
    arguments: dict[str, Any]
    outcome: str
    attempt: int = 1
    duration_ms: float = 0.0
    error: str = ""


class AgentResult(BaseModel):
    """What a task came to. What was spent is kept also when a limit ended it."""

    task_id: str
    status: TaskStatus
    output: str = ""
    steps_used: int = 0
    tokens_used: int = 0
    tool_calls: list[ToolCallRecord] = Field(default_factory=list)
    model: str = ""
    error: str = ""
    duration_ms: float = 0.0
    attempts: int = 0
