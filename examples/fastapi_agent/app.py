"""A help desk agent: one file, plain FastAPI, no database.

It answers a question by an OpenAI-compatible LLM, which may file a ticket through the one tool it is given.

    python examples/fastapi_agent/app.py --port 9001 [--broken retry-whole-turn | early-202]
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx
import uvicorn
from fastapi import FastAPI, HTTPException, Response
from pydantic import BaseModel, Field

BROKEN = ("retry-whole-turn", "early-202")
ATTEMPTS = 3
MAX_STEPS = 5  # LLM calls that one question may cost
NO_TEXT = {"description": "the body is no text"}
FILE_TICKET = {
    "type": "function",
    "function": {
        "name": "file_ticket",
        "description": "File a ticket for the people behind the desk.",
        "parameters": {
            "type": "object",
            "properties": {"summary": {"type": "string"}},
            "required": ["summary"],
            "additionalProperties": False,
        },
    },
}


class Question(BaseModel):
    question: str = Field(min_length=1, max_length=4000)


class Job(BaseModel):
    id: str
    state: Literal["queued", "working", "done", "failed"]
    answer: str | None = None
    error: str | None = None


class Ticket(BaseModel):
    seq: int
    at: float
    tool: str = "file_ticket"
    task_id: str
    summary: str


class Tickets(BaseModel):
    entries: list[Ticket]


@dataclass
class Desk:
    """Everything the service remembers. A restart forgets it: no more is promised."""

    capacity: int
    jobs: dict[str, Job] = field(default_factory=dict)
    tickets: list[Ticket] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.waiting: asyncio.Queue[tuple[str, str]] = asyncio.Queue(self.capacity)
        self._numbers = itertools.count(1)

    def file_ticket(self, task_id: str, summary: str) -> str:
        ticket = Ticket(seq=next(self._numbers), at=time.time(), task_id=task_id, summary=summary)
        self.tickets.append(ticket)
        return f"ticket {ticket.seq} filed"


async def retried(call: Callable[[], Awaitable[Any]]) -> Any:
    """`call()`, again after a transport error or a 429 or 5xx answer, three times at most."""
    for attempt in range(1, ATTEMPTS):
        try:
            return await call()
        except httpx.HTTPError as error:
            status = error.response.status_code if isinstance(error, httpx.HTTPStatusError) else 503
            if status != 429 and status < 500:
                raise
            await asyncio.sleep(0.05 * 2**attempt)
    return await call()


class Agent:
    """Asks the LLM, does what it asks for, and asks again until it answers in words."""

    def __init__(self, llm: httpx.AsyncClient, desk: Desk, retry_whole_turn: bool) -> None:
        self._llm = llm
        self._desk = desk
        self._retry_whole_turn = retry_whole_turn

    async def answer(self, task_id: str, question: str) -> str:
        if self._retry_whole_turn:  # a failed LLM call starts all over: what was filed is filed again
            return str(await retried(lambda: self._turn(task_id, question, self._complete)))
        return await self._turn(task_id, question, lambda messages: retried(lambda: self._complete(messages)))

    async def _turn(self, task_id: str, question: str, complete: Callable[..., Awaitable[Any]]) -> str:
        messages: list[dict[str, Any]] = [{"role": "user", "content": question}]
        for _ in range(MAX_STEPS):
            message = await complete(messages)
            if not message.get("tool_calls"):
                return message.get("content") or ""
            messages.append(message)
            for call in message["tool_calls"]:
                result = self._act(task_id, call["function"])
                messages.append({"role": "tool", "tool_call_id": call["id"], "content": result})
        raise RuntimeError(f"no answer after {MAX_STEPS} LLM calls")

    def _act(self, task_id: str, function: dict[str, str]) -> str:
        try:
            summary = json.loads(function["arguments"])["summary"]
        except (ValueError, KeyError, TypeError):
            return "error: the arguments are not {summary: string}"
        if function["name"] != "file_ticket" or not isinstance(summary, str):
            return f"error: no tool {function['name']} for these arguments"
        return self._desk.file_ticket(task_id, summary)

    async def _complete(self, messages: list[dict[str, Any]]) -> dict[str, Any]:
        body = {"model": os.environ.get("MODEL", "gpt-4o-mini"), "messages": messages, "tools": [FILE_TICKET]}
        response = await self._llm.post("chat/completions", json=body)
        response.raise_for_status()
        message: dict[str, Any] = response.json()["choices"][0]["message"]
        return message


async def work(desk: Desk, agent: Agent, keep_only_results: bool) -> None:
    """One worker: takes waiting jobs, one after the other, for as long as the service lives."""
    while True:
        job_id, question = await desk.waiting.get()
        if not keep_only_results:
            desk.jobs[job_id] = Job(id=job_id, state="working")
        try:
            answer = await agent.answer(job_id, question)
            desk.jobs[job_id] = Job(id=job_id, state="done", answer=answer)
        except Exception as error:  # whatever happened to one job, the next one is served
            if not keep_only_results:
                desk.jobs[job_id] = Job(id=job_id, state="failed", error=f"{type(error).__name__}: {error}")


def build(broken: str | None, *, workers: int = 2, capacity: int = 20) -> FastAPI:
    """The service; `broken` names one of BROKEN."""
    desk = Desk(capacity)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        base = os.environ.get("OPENAI_BASE_URL", "http://127.0.0.1:8080/v1").rstrip("/") + "/"
        key = {"Authorization": f"Bearer {os.environ.get('OPENAI_API_KEY', 'unset')}"}
        async with httpx.AsyncClient(base_url=base, headers=key, timeout=30) as llm:
            app.state.agent = Agent(llm, desk, broken == "retry-whole-turn")
            late = broken == "early-202"
            crew = [asyncio.create_task(work(desk, app.state.agent, late)) for _ in range(workers)]
            yield
            for worker in crew:
                worker.cancel()
            await asyncio.gather(*crew, return_exceptions=True)

    app = FastAPI(title="help desk agent", version="1.0.0", lifespan=lifespan)

    @app.post("/ask", responses={400: NO_TEXT, 502: {"description": "the LLM could not be asked"}})
    async def ask(body: Question) -> Job:
        job_id = uuid.uuid4().hex
        try:
            return Job(id=job_id, state="done", answer=await app.state.agent.answer(job_id, body.question))
        except (httpx.HTTPError, RuntimeError) as error:
            raise HTTPException(502, f"{type(error).__name__}: {error}") from error

    @app.post("/jobs", status_code=202, responses={400: NO_TEXT, 503: {"description": "too many are waiting"}})
    async def submit(body: Question, response: Response) -> Job:
        job = Job(id=uuid.uuid4().hex, state="queued")
        response.headers["Location"] = f"/jobs/{job.id}"
        if broken == "early-202":  # answered now, stored with its answer: till then, and if none comes, lost
            with suppress(asyncio.QueueFull):
                desk.waiting.put_nowait((job.id, body.question))
            return job
        try:
            desk.waiting.put_nowait((job.id, body.question))
        except asyncio.QueueFull:
            raise HTTPException(503, "too many jobs are waiting", {"Retry-After": "1"}) from None
        desk.jobs[job.id] = job
        return job

    @app.get("/jobs/{job_id}", responses={404: {"description": "no such job"}})
    async def job(job_id: str) -> Job:
        if job_id not in desk.jobs:
            raise HTTPException(404, "no such job")
        return desk.jobs[job_id]

    @app.get("/tickets")
    async def tickets() -> Tickets:
        return Tickets(entries=desk.tickets)

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    return app


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--port", type=int, default=9001)
    parser.add_argument("--broken", choices=BROKEN, help="run with one known defect")
    arguments = parser.parse_args()
    uvicorn.run(build(arguments.broken), host="127.0.0.1", port=arguments.port, log_level="warning")
