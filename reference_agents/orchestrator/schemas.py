"""What goes into the orchestrator and what comes out of it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from reference_agents.orchestrator.plan import Node
from reference_agents.runner.schemas import AgentResult, TaskRequest, ToolCallRecord


class OrchestrationStatus(StrEnum):
    """pending -> running <-> input_required; running -> one of the last three, which is never left."""

    PENDING = "pending"
    RUNNING = "running"
    INPUT_REQUIRED = "input_required"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


TERMINAL = frozenset({OrchestrationStatus.COMPLETED, OrchestrationStatus.FAILED, OrchestrationStatus.CANCELLED})


class OnFailure(StrEnum):
    """What the failure of one node means for the others."""

    CONTINUE = "continue"
    """What needs the failed node is skipped, the rest goes on, and the answer says what is missing."""
    STOP = "stop"
    """Nothing new is begun, what runs is cancelled, and the task fails."""


class OrchestrationRequest(TaskRequest):
    """A task for several agents. `max_steps` bounds the nodes of the plan, `token_budget` all models together."""

    token_budget: Annotated[int, Field(ge=512, le=32_768)] = 32_768
    on_failure: OnFailure = OnFailure.CONTINUE


class NodeStatus(StrEnum):
    """How a node stands."""

    WAITING = "waiting"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


class NodeResult(BaseModel):
    """How a node ended, or stands."""

    id: str
    agent: str
    status: NodeStatus
    depends_on: tuple[str, ...] = ()
    task_id: str = Field("", description="The task's id at the agent.")
    output: str = ""
    error: str = ""
    attempts: int = 0
    steps_used: int = 0
    tokens_used: int = 0
    duration_ms: float = 0
    tool_calls: list[ToolCallRecord] = Field(default_factory=list)

    @classmethod
    def of(cls, node: Node, status: NodeStatus, error: str = "") -> NodeResult:
        """The result of a node that was not run."""
        return cls(id=node.id, agent=node.agent, status=status, depends_on=node.depends_on, error=error)


class Question(BaseModel):
    """What a person is asked before the task can go on."""

    node: str
    prompt: str


class Answer(BaseModel):
    """A person's answer to a question."""

    model_config = ConfigDict(extra="forbid")

    node: Annotated[str, Field(min_length=1, max_length=64)]
    text: Annotated[str, Field(min_length=1, max_length=16_384)]


class Ended(AgentResult):
    """How one turn of an orchestration at a worker ended: for good, or with questions that park it."""

    nodes: list[NodeResult] = Field(default_factory=list)
    questions: list[Question] = Field(default_factory=list)


class OrchestrationResult(BaseModel):
    """How a task stands or ended, node by node. What was spent is counted also when it failed."""

    task_id: str
    status: OrchestrationStatus
    output: str = ""
    model: str = ""
    nodes: list[NodeResult] = Field(default_factory=list)
    questions: list[Question] = Field(default_factory=list, description="While input is required: what is asked.")
    steps_used: int = Field(0, description="Nodes that were run.")
    tokens_used: int = Field(0, description="Of planning, of all agents, and of putting the answer together.")
    tool_calls: list[ToolCallRecord] = Field(default_factory=list)
    error: str = ""
    duration_ms: float = 0
    attempts: int = 0
