"""Between an orchestration and A2A's Task. Pure."""

from __future__ import annotations

from a2a.types import a2a_pb2 as a2a

from reference_agents.orchestrator.schemas import OrchestrationResult, OrchestrationStatus
from reference_agents.runner.schemas import AgentTask

STATES = {
    OrchestrationStatus.PENDING: a2a.TaskState.TASK_STATE_SUBMITTED,
    OrchestrationStatus.RUNNING: a2a.TaskState.TASK_STATE_WORKING,
    OrchestrationStatus.INPUT_REQUIRED: a2a.TaskState.TASK_STATE_INPUT_REQUIRED,
    OrchestrationStatus.COMPLETED: a2a.TaskState.TASK_STATE_COMPLETED,
    OrchestrationStatus.FAILED: a2a.TaskState.TASK_STATE_FAILED,
    OrchestrationStatus.CANCELLED: a2a.TaskState.TASK_STATE_CANCELED,
}


def text_of(message: a2a.Message) -> str:
    """What a message says in words; its other parts are nothing that a planner can read."""
    return "\n".join(part.text for part in message.parts if part.text)


def status_of(task: AgentTask, result: OrchestrationResult) -> a2a.TaskStatus:
    """The state, with what there is to say about it: questions, an error, or how far the plan is."""
    status = a2a.TaskStatus(state=STATES[result.status])
    said = ""
    if result.questions:
        said = "\n".join(f"{question.node}: {question.prompt}" for question in result.questions)
    elif result.error:
        said = result.error
    elif result.nodes and result.status is OrchestrationStatus.RUNNING:
        said = ", ".join(f"{node.id} {node.status}" for node in result.nodes)
    if said:
        status.message.CopyFrom(
            a2a.Message(
                message_id=f"{task.id}.{result.status}",
                task_id=task.id,
                context_id=task.session_id,
                role=a2a.Role.ROLE_AGENT,
                parts=[a2a.Part(text=said)],
            )
        )
    return status


def artifacts_of(result: OrchestrationResult) -> list[a2a.Artifact]:
    """The answer, once there is one."""
    if result.status is not OrchestrationStatus.COMPLETED:
        return []
    return [a2a.Artifact(artifact_id="answer", name="answer", parts=[a2a.Part(text=result.output)])]


def task_of(task: AgentTask, result: OrchestrationResult, history: int | None) -> a2a.Task:
    """The task as of now, with its first message unless `history` is 0."""
    asked = a2a.Message(
        message_id=f"{task.id}.asked",
        task_id=task.id,
        context_id=task.session_id,
        role=a2a.Role.ROLE_USER,
        parts=[a2a.Part(text=task.prompt)],
    )
    return a2a.Task(
        id=task.id,
        context_id=task.session_id,
        status=status_of(task, result),
        artifacts=artifacts_of(result),
        history=[asked] if history != 0 else [],
    )
