"""The HTTP face of an agent."""

from __future__ import annotations

import uuid
from typing import Annotated

from fastapi import APIRouter, Header, Path, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from redis.exceptions import RedisError

from reference_agents.api.deps import Parts
from reference_agents.api.readiness import Readiness
from reference_agents.common.context import current
from reference_agents.common.metrics import CONTENT_TYPE
from reference_agents.common.problem import Refused, declared
from reference_agents.runner.schemas import TERMINAL, AgentResult, AgentTask, TaskRequest
from reference_agents.tasks.store import KeyReused

POLL_S = 0.25  # for a task that another replica works on

Key = Annotated[
    str | None,
    Header(alias="Idempotency-Key", min_length=1, max_length=255, pattern=r"^[\x21-\x7e]+$",
           description="The same key gives the same task; another body under it is refused."),
]  # fmt: skip
TaskId = Annotated[str, Path(max_length=128, description="The id that a 202 named.")]


class Health(BaseModel):
    """Liveness: the process answers. The LLM client's state is reported; an outage must not get a pod killed."""

    status: str
    llm: dict[str, str]


def router(parts: Parts) -> APIRouter:
    """The routes over `parts`."""
    routes = APIRouter()

    async def accept(request: TaskRequest, key: str | None) -> str:
        trace = current()
        task = AgentTask(
            id=str(uuid.uuid4()), trace_id=trace.trace_id, span_id=trace.span_id, baggage=trace.baggage,
            **request.model_dump(),
        )  # fmt: skip
        try:
            task_id, _ = await parts.store.submit(task, key)
            parts.workers.kick()
        except KeyReused:
            raise Refused(422, "this Idempotency-Key was used for another request") from None
        except RedisError:
            raise Refused(503, "tasks cannot be kept at present") from None
        return task_id

    async def look(task_id: str) -> AgentResult:
        try:
            result = await parts.store.result(task_id)
        except RedisError:
            raise Refused(503, "tasks cannot be read at present") from None
        if result is None:
            raise Refused(404, "there is no such task")
        return result

    @routes.post("/run", responses=declared(422, 503, 504), summary="Run a task and wait for its answer")
    async def run(request: TaskRequest, key: Key = None) -> AgentResult:
        task_id = await accept(request, key)
        until = parts.clock.monotonic() + parts.settings.task_deadline_s + 5
        while parts.clock.monotonic() < until:
            result = await look(task_id)
            if result.status in TERMINAL:
                return result
            await parts.workers.endings.wait(task_id, POLL_S)
        raise Refused(504, f"task {task_id} is not over yet; ask for it at /tasks/{task_id}")

    @routes.post("/tasks", status_code=202, responses=declared(422, 503), summary="Hand in a task")
    async def submit(request: TaskRequest, response: Response, key: Key = None) -> AgentResult:
        task_id = await accept(request, key)
        response.headers["Location"] = f"/tasks/{task_id}"
        return await look(task_id)

    @routes.get("/tasks/{task_id}", responses=declared(404, 422, 503), summary="How a task stands")
    async def status(task_id: TaskId) -> AgentResult:
        return await look(task_id)

    @routes.post("/tasks/{task_id}/cancel", responses=declared(404, 422, 503), summary="Ask for a task to end")
    async def cancel(task_id: TaskId) -> AgentResult:
        try:
            found = await parts.store.cancel(task_id)
        except RedisError:
            raise Refused(503, "tasks cannot be kept at present") from None
        if found is None:
            raise Refused(404, "there is no such task")
        return await look(task_id)

    @routes.delete(
        "/tasks/{task_id}", status_code=202, responses=declared(404, 422, 503),
        summary="Ask for a task to end; what it did and spent stays to be read",
    )  # fmt: skip
    async def delete(task_id: TaskId) -> AgentResult:
        return await cancel(task_id)

    @routes.get("/health", summary="Is the process alive?")
    async def health() -> Health:
        return Health(status="ok", llm=parts.llm.states())

    @routes.get("/ready", responses={503: {"model": Readiness, "description": "Not ready"}}, summary="Can it work?")
    async def ready() -> Response:
        found = await parts.dependencies.ready()
        return JSONResponse(found.model_dump(), 200 if found.ready else 503)

    @routes.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        parts.llm.states()
        try:
            parts.metrics.queue.labels(parts.metrics.agent).set(await parts.store.depth())
        except RedisError:
            pass
        return Response(parts.metrics.exposition(), media_type=CONTENT_TYPE)

    return routes
