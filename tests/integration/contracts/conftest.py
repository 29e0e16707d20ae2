"""A small task service and a tool registry, healthy or with one named defect, on real sockets."""

import asyncio
import contextlib
import json
import socket
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import jsonschema_rs
import pytest
import uvicorn
from fastapi import FastAPI, Header, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from harness.core.clock import RealClock
from harness.core.config import Config, Service, TasksApi
from harness.core.config import Target as TargetConfig
from harness.core.events import Check
from harness.core.seed import Seed
from harness.evidence.recorder import MemoryRecorder
from harness.targets.suite import Silent, SuiteContext
from harness.targets.target import LiveService, Target


class Task(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    prompt: str = Field(min_length=1, max_length=2000)
    session_id: str = Field("s", min_length=1, max_length=200)
    # JSON Schema calls 8.0 an integer; pydantic's strict mode does not.
    max_steps: Annotated[int, BeforeValidator(lambda v: int(v) if isinstance(v, float) and v == int(v) else v)] = Field(
        10, ge=1, le=25
    )


class Result(BaseModel):
    task_id: str
    status: str
    output: str | None = None
    error: str | None = None


class Problem(BaseModel):
    detail: Any = None


def agent(flaws: frozenset[str]) -> FastAPI:
    """A task service. Each flaw is one mistake that a contract check must see."""
    app = FastAPI()
    tasks: dict[str, Result] = {}
    keys: dict[str, tuple[str, str]] = {}
    asked: dict[str, int] = {}
    refused: dict[int | str, dict[str, Any]] = {
        400: {"model": Problem},
        404: {"model": Problem},
        422: {"model": Problem},
    }

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        code = 500 if "crash-on-bad-body" in flaws else 422
        return JSONResponse({"detail": [str(e["msg"]) for e in error.errors()]}, status_code=code)

    async def take(task: Task, key: str | None) -> Result:
        body = task.model_dump_json()
        if key and "no-idempotency" not in flaws:
            if "racy-idempotency" in flaws:
                known = keys.get(key)
                await asyncio.sleep(0.02)
            else:
                known = keys.get(key)
            if known and (known[0] == body or "ignores-body" in flaws):
                return tasks[known[1]]
            if known:
                raise HTTPException(422, "another body under a used key")
        if "unbounded" not in flaws and task.max_steps > 25:
            raise HTTPException(422, "too many steps")
        result = Result(task_id=uuid.uuid4().hex, status="pending")
        if key:
            keys[key] = (body, result.task_id)
        tasks[result.task_id] = result
        return result

    def answered(result: Result) -> Result:
        output = None if "no-output" in flaws else "hello"
        word = "finished" if "undeclared-state" in flaws else "completed"
        return result.model_copy(update={"status": word, "output": output})

    @app.post("/tasks", status_code=202, response_model=Result, responses=refused)
    async def submit(
        task: Task,
        response: Response,
        idempotency_key: str | None = Header(None, min_length=1, max_length=200),
    ) -> Result:
        result = await take(task, idempotency_key)
        if "no-location" not in flaws:
            response.headers["Location"] = f"/tasks/{result.task_id}"
        return result

    @app.post("/run", response_model=Result, responses=refused)
    async def run(task: Task, idempotency_key: str | None = Header(None, min_length=1, max_length=200)) -> Result:
        result = await take(task, idempotency_key)
        tasks[result.task_id] = answered(result)
        return tasks[result.task_id]

    @app.get("/tasks/{task_id}", response_model=Result, responses=refused)
    async def status(task_id: str) -> Any:
        if task_id not in tasks:
            if "unknown-is-200" in flaws:
                return Result(task_id=task_id, status="pending")
            raise HTTPException(404, "no such task")
        asked[task_id] = n = asked.get(task_id, 0) + 1
        result = tasks[task_id]
        if result.status == "pending" and n == 2:
            tasks[task_id] = result.model_copy(update={"status": "running"})
        elif result.status == "running":
            tasks[task_id] = answered(result)
        if "goes-back" in flaws and n == 3:
            return result.model_copy(update={"status": "pending"})
        if "flickers" in flaws and n > 5:
            return result.model_copy(update={"status": "failed", "error": "late"})
        if "undeclared-answer" in flaws:
            return JSONResponse({"task": task_id, "state": 1})
        return tasks[task_id]

    @app.post("/tasks/{task_id}/cancel", response_model=Result, responses=refused)
    async def cancel(task_id: str) -> Result:
        if task_id not in tasks:
            raise HTTPException(404, "no such task")
        result = tasks[task_id]
        if result.status in ("pending", "running") or "late-cancel" in flaws:
            cancelled = result.model_copy(update={"status": "cancelled", "error": "cancelled"})
            if "forgets-cancel" not in flaws:
                tasks[task_id] = cancelled
            return cancelled
        return result

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/ready", responses={503: {"model": Problem}})
    async def ready() -> dict[str, str]:
        if "not-ready" in flaws:
            raise HTTPException(503, "no redis")
        return {"status": "ok"}

    @app.get("/metrics", response_class=PlainTextResponse)
    async def metrics() -> str:
        inf = 4 if "broken-histogram" in flaws else 5
        text = (
            "# TYPE tasks_total counter\ntasks_total 5.0\n# TYPE d histogram\n"
            f'd_bucket{{le="1.0"}} 5.0\nd_bucket{{le="+Inf"}} {inf}\nd_count 5.0\nd_sum 2.0\n'
        )
        return "{not metrics" if "no-metrics" in flaws else text

    return app


SEARCH = {
    "name": "search",
    "version": "1.0.0",
    "description": "Search the corpus for passages about a query.",
    "parameters": {
        "type": "object",
        "properties": {
            "query": {"type": "string", "minLength": 1, "maxLength": 100, "description": "What to look for."},
            "limit": {"type": "integer", "minimum": 1, "maximum": 10, "description": "How many at most."},
        },
        "required": ["query"],
        "additionalProperties": False,
    },
    "returns": {"type": "object", "properties": {"hits": {"type": "array"}}, "required": ["hits"]},
}


def registry(flaws: frozenset[str]) -> FastAPI:
    """A registry with one tool and the tool's ledger beside it."""
    app = FastAPI()
    entries: list[dict[str, Any]] = []
    definition = json.loads(json.dumps(SEARCH))
    if "invalid-schema" in flaws:
        definition["parameters"]["properties"]["limit"]["type"] = "int"
    if "undescribed" in flaws:
        definition["description"] = ""
    if "narrowed" in flaws:
        definition["parameters"]["properties"]["limit"]["maximum"] = 5
    if "reworded" in flaws:
        definition["description"] = "Search the corpus for words about a query."
    validator = jsonschema_rs.validator_for(SEARCH["parameters"])

    @app.get("/tools")
    async def tools() -> dict[str, Any]:
        return {"tools": [definition]}

    @app.post("/tools/search/call")
    async def call(request: Request) -> Any:
        if request.headers.get("x-agent-id") != "tester" and "no-acl" not in flaws:
            raise HTTPException(403, "not on the list")
        arguments = (await request.json())["arguments"]
        valid = validator.is_valid(arguments)
        if not valid and "late-validation" in flaws:
            entries.append({"seq": len(entries), "at": 0, "tool": "search"})
        if not valid and "no-validation" not in flaws:
            raise HTTPException(422, "arguments do not fit")
        if "refuses-short" in flaws and len(arguments.get("query", "")) < 2:
            raise HTTPException(422, "too short")
        entries.append({"seq": len(entries), "at": 0, "tool": "search"})
        return {"result": {} if "wrong-result" in flaws else {"hits": []}}

    @app.get("/ledger")
    async def ledger() -> dict[str, Any]:
        return {"entries": [] if "dead-ledger" in flaws else entries}

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    return app


@contextlib.contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """`app` on a free loopback port; yields its URL."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()


class Bench:
    """Runs the contracts suite on one subject and hands back what it recorded."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.recorder = MemoryRecorder(clock=RealClock())
        self.stop = asyncio.Event()

    def context(self, url: str, spec: Service, *only: str, examples: int = 8, quick: bool = False) -> SuiteContext:
        config = Config.model_validate(
            {
                "target": TargetConfig(
                    name="t", kind="external", services={"svc": spec.model_copy(update={"url": url})}
                ),
                "suites": {"contracts": {"max_examples": examples}},
                "root": self.root,
            }
        )
        target = Target("t", "external", "default", {"svc": LiveService("svc", url, spec)})
        return SuiteContext(
            config, target, self.recorder, self.root, RealClock(), Seed(7), Silent(), self.stop, only, quick
        )

    @property
    def checks(self) -> list[Check]:
        return [event.body for event in self.recorder.events if isinstance(event.body, Check)]

    def failed(self) -> set[str]:
        return {check.check for check in self.checks if check.outcome == "fail"}

    def outcomes(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for check in self.checks:
            found.setdefault(check.outcome, set()).add(check.check)
        return found


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


AGENT = Service(openapi="/openapi.json", metrics="/metrics", tasks=TasksApi())
REGISTRY = Service(
    role="registry",
    ready=None,
    tools="/tools",
    tool_call="POST /tools/{name}/call",
    ledger="/ledger",
    tool_call_headers={"X-Agent-Id": "tester"},
)


@pytest.fixture
def subject() -> Iterator[Callable[..., tuple[str, Service]]]:
    """Start `agent` or `registry` with flaws: `subject("agent", "no-location")` gives its URL and spec."""
    with contextlib.ExitStack() as stack:

        def start(kind: str, *flaws: str) -> tuple[str, Service]:
            build, spec = (agent, AGENT) if kind == "agent" else (registry, REGISTRY)
            return stack.enter_context(served(build(frozenset(flaws)))), spec

        yield start
