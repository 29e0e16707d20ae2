"""A task's events as they happen: server-sent events that can be resumed, and the same over a WebSocket."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query, WebSocket
from fastapi.responses import StreamingResponse
from redis.exceptions import RedisError
from starlette.websockets import WebSocketDisconnect

from reference_agents.api.deps import Parts
from reference_agents.common.problem import Refused, declared
from reference_agents.tasks.events import TaskEvent

EVENT_ID = "^[0-9]{1,15}-[0-9]{1,9}$"
NO_TASK, TROUBLE, RESUME = 4404, 1011, 1012  # WebSocket close codes

LastEvent = Annotated[
    str,
    Header(
        alias="Last-Event-ID",
        max_length=255,
        description="Go on after the event of this id; from the start if it is none.",
    ),
]
After = Annotated[str, Query(max_length=255)]
TaskId = Annotated[str, Path(max_length=128, description="The id that a 202 named.")]
EVENT = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "pattern": EVENT_ID},
        "event": {"enum": ["llm_call", "tool_call", "tool_result", "status"]},
        "data": {"type": "string", "description": "A JSON object."},
    },
    "required": ["id", "event", "data"],
}
STREAM: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/event-stream": {"schema": EVENT}}, "description": "The task's events."}
}


def _after(text: str) -> str:
    return text if re.fullmatch(EVENT_ID, text) else "0-0"


def sse(event: TaskEvent | None) -> str:
    """One event as text/event-stream has it; a comment where there is none, so that a dead reader is noticed."""
    return ": still here\n\n" if event is None else f"id: {event.id}\nevent: {event.kind}\ndata: {event.data}\n\n"


def router(parts: Parts) -> APIRouter:
    """The routes over `parts`. A stream ends with its task, or when the process drains: then resume elsewhere."""
    routes = APIRouter()

    @routes.get(
        "/tasks/{task_id}/events",
        response_class=StreamingResponse,
        responses={**STREAM, **declared(404, 422, 503)},
        summary="What happens to a task, as it happens",
    )
    async def events(task_id: TaskId, last: LastEvent = "0-0") -> StreamingResponse:
        try:
            if await parts.store.result(task_id) is None:
                raise Refused(404, "there is no such task")
        except RedisError:
            raise Refused(503, "tasks cannot be read at present") from None

        async def body() -> AsyncIterator[str]:
            try:
                async for event in parts.events.follow(task_id, _after(last)):
                    yield sse(event)
            except RedisError:
                return  # the reader comes back with the last id it has

        return StreamingResponse(
            body(), media_type="text/event-stream", headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        )

    @routes.websocket("/tasks/{task_id}/ws")
    async def push(socket: WebSocket, task_id: TaskId, after: After = "0-0") -> None:
        await socket.accept()
        try:
            if await parts.store.result(task_id) is None:
                await socket.close(NO_TASK, "there is no such task")
                return
            async for event in parts.events.follow(task_id, _after(after)):
                if event is None:
                    await socket.send_text(json.dumps({"kind": "still_here"}))
                else:
                    await socket.send_text(
                        json.dumps({"id": event.id, "kind": event.kind, "data": json.loads(event.data)})
                    )
            await socket.close(RESUME if parts.events.leaving else 1000)
        except RedisError:
            await socket.close(TROUBLE, "tasks cannot be read at present")
        except WebSocketDisconnect:
            return  # the reader has left

    return routes
