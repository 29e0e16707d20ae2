"""The HTTP face of the orchestrator: an agent's task API, and a door for a person's answers."""

from __future__ import annotations

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from redis.exceptions import RedisError

from reference_agents.api.readiness import Readiness
from reference_agents.api.routes import Health, Key, TaskId
from reference_agents.common.context import current
from reference_agents.common.metrics import CONTENT_TYPE
from reference_agents.common.problem import Refused, declared
from reference_agents.orchestrator.deps import OrchestratorParts
from reference_agents.orchestrator.schemas import (
    TERMINAL,
    Answer,
    OrchestrationRequest,
    OrchestrationResult,
    OrchestrationStatus,
)
from reference_agents.orchestrator.store import NotAsked
from reference_agents.orchestrator.submission import task_of
from reference_agents.tasks.store import KeyReused

POLL_S = 0.25
SETTLED = TERMINAL | {OrchestrationStatus.INPUT_REQUIRED}


def router(parts: OrchestratorParts) -> APIRouter:
    """The routes over `parts`."""
    routes = APIRouter()

    async def accept(request: OrchestrationRequest, key: str | None) -> str:
        try:
            task_id, _ = await parts.store.submit(task_of(request, current()), key)
        except KeyReused:
            raise Refused(422, "this Idempotency-Key was used for another request") from None
        except RedisError:
            raise Refused(503, "tasks cannot be kept at present") from None
        parts.workers.kick()
        return task_id

    async def look(task_id: str) -> OrchestrationResult:
        try:
            result = await parts.store.orchestration(task_id)
        except RedisError:
            raise Refused(503, "tasks cannot be read at present") from None
        if result is None:
            raise Refused(404, "there is no such task")
        return result

    @routes.post("/run", responses=declared(422, 503, 504), summary="Run a task and wait for its answer")
    async def run(request: OrchestrationRequest, key: Key = None) -> OrchestrationResult:
        """Also answers when the task waits for a person: its status is `input_required` then."""
        task_id = await accept(request, key)
        until = parts.clock.monotonic() + parts.deadline_s + 5
        while parts.clock.monotonic() < until:
            result = await look(task_id)
            if result.status in SETTLED:
                return result
            await parts.workers.endings.wait(task_id, POLL_S)
        raise Refused(504, f"task {task_id} is not over yet; ask for it at /tasks/{task_id}")

    @routes.post("/tasks", status_code=202, responses=declared(422, 503), summary="Hand in a task")
    async def submit(request: OrchestrationRequest, response: Response, key: Key = None) -> OrchestrationResult:
        task_id = await accept(request, key)
        response.headers["Location"] = f"/tasks/{task_id}"
        return await look(task_id)

    @routes.get("/tasks/{task_id}", responses=declared(404, 422, 503), summary="How a task stands")
    async def status(task_id: TaskId) -> OrchestrationResult:
        return await look(task_id)

    @routes.post("/tasks/{task_id}/cancel", responses=declared(404, 422, 503), summary="Ask for a task to end")
    async def cancel(task_id: TaskId) -> OrchestrationResult:
        try:
            found = await parts.store.cancel(task_id)
        except RedisError:
            raise Refused(503, "tasks cannot be kept at present") from None
        if found is None:
            raise Refused(404, "there is no such task")
        return await look(task_id)

    @routes.post("/tasks/{task_id}/input", responses=declared(404, 409, 422, 503), summary="Answer a question")
    async def answer(task_id: TaskId, given: Answer) -> OrchestrationResult:
        """The first answer to a question stands; the same answer again is no error."""
        await look(task_id)
        try:
            kept = await parts.store.answer(task_id, given)
        except NotAsked:
            raise Refused(409, "the task does not ask this at present") from None
        except RedisError:
            raise Refused(503, "tasks cannot be kept at present") from None
        if not kept:
            raise Refused(409, "this question has another answer already")
        parts.workers.kick()
        return await look(task_id)

    @routes.get("/health", summary="Is the process alive?")
    async def health() -> Health:
        return Health(status="ok", llm=parts.llm.states())

    @routes.get("/ready", responses={503: {"model": Readiness, "description": "Not ready"}}, summary="Can it work?")
    async def ready() -> Response:
        found = await parts.ready()
        return JSONResponse(found.model_dump(), 200 if found.ready else 503)

    @routes.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        parts.llm.states()
        try:
            parts.queue_depth.set(await parts.store.depth())
        except RedisError:
            pass
        return Response(parts.metrics.exposition(), media_type=CONTENT_TYPE)

    return routes
