"""What travels over Kafka, and where."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

_SCHEMAS = Path(__file__).parent / "schemas"
Name = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9._:@/-]+$")]


def tasks_topic(agent: str) -> str:
    """Where an agent takes its tasks from."""
    return f"agent.tasks.{agent}"


def results_topic(agent: str) -> str:
    """Where an agent says how they ended."""
    return f"agent.tasks.{agent}.results"


def dead_letter_topic(agent: str) -> str:
    """Where messages go that an agent cannot take."""
    return f"agent.tasks.{agent}.dlq"


class Event(BaseModel):
    """An event. `subject` is what its schemas are called at the registry, `file` where the Avro one is."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    subject: ClassVar[str]
    file: ClassVar[str]

    @classmethod
    def avro_schema(cls) -> dict[str, Any]:
        """The Avro schema that the event is written and read by."""
        found: dict[str, Any] = json.loads((_SCHEMAS / cls.file).read_text())
        return found

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """The JSON Schema that the event is written and read by."""
        return cls.model_json_schema(mode="serialization")


class AgentTaskEvent(Event):
    """A task for an agent."""

    subject: ClassVar[str] = "agents.v1.AgentTaskEvent"
    file: ClassVar[str] = "agent-task-event.avsc"

    task_id: Name
    source_agent: Name
    target_agent: Name
    session_id: Name
    prompt: Annotated[str, Field(min_length=1, max_length=32_768)]
    context: dict[str, str] = Field(default_factory=dict)
    created_at: AwareDatetime


class AgentResultEvent(Event):
    """How such a task ended."""

    subject: ClassVar[str] = "agents.v1.AgentResultEvent"
    file: ClassVar[str] = "agent-result-event.avsc"

    task_id: Name
    source_agent: Name
    target_agent: Name
    session_id: Name
    status: Literal["completed", "failed", "cancelled"]
    output: str = ""
    error: str = ""
    steps_used: int = 0
    tokens_used: int = 0
    created_at: AwareDatetime


def at(epoch_s: float) -> datetime:
    """A moment as an event holds it: to the millisecond, in UTC."""
    return datetime.fromtimestamp(round(epoch_s * 1000) / 1000, UTC)
