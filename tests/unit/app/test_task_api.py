"""What a description says of a task API becomes windtunnel.toml, and what it does not say is not promised."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from fastapi import FastAPI, Header
from pydantic import BaseModel

from harness.app.discover import Discovered
from harness.app.task_api import task_api
from harness.app.toml_text import windtunnel_toml
from harness.core.config_file import parse_config


class Ask(BaseModel):
    question: str
    thread_id: str = ""


class Job(BaseModel):
    job_id: str
    state: Literal["queued", "working", "done", "failed", "timed_out", "cancelled"]
    answer: str = ""
    failure: str = ""


def described() -> dict[str, Any]:
    app = FastAPI()

    @app.post("/v1/jobs", status_code=202, responses={202: {"headers": {"Location": {"schema": {"type": "string"}}}}})
    def submit(ask: Ask, key: Annotated[str, Header(alias="X-Idempotency-Key")] = "") -> Job: ...  # type: ignore[empty-body]

    @app.get("/v1/jobs/{job}")
    def status(job: str) -> Job: ...  # type: ignore[empty-body]

    @app.post("/v1/jobs/{job}/cancel")
    def cancel(job: str) -> Job: ...  # type: ignore[empty-body]

    @app.post("/v1/ask")
    def ask(ask: Ask) -> dict[str, str]: ...  # type: ignore[empty-body]

    return app.openapi()


def test_routes_fields_and_states_are_found() -> None:
    assert task_api(described()) == {
        "run": "POST /v1/ask",
        "submit": "POST /v1/jobs",
        "status": "GET /v1/jobs/{id}",
        "cancel": "POST /v1/jobs/{id}/cancel",
        "body": {"question": "{prompt}", "thread_id": "{session}"},
        "id_field": "job_id",
        "status_field": "state",
        "output_field": "answer",
        "error_field": "failure",
        "pending": ["queued", "working"],
        "succeeded": ["done"],
        "failed": ["failed", "timed_out", "cancelled"],
        "idempotency_header": "X-Idempotency-Key",
    }


def test_what_is_not_described_is_left_to_a_person(tmp_path: Path) -> None:
    app = FastAPI()

    @app.post("/chat")
    def chat(body: dict[str, str]) -> dict[str, str]: ...  # type: ignore[empty-body]

    api = task_api(app.openapi())
    assert api is not None
    assert (api["run"], api["submit"], api["idempotency_header"], api["location_header"]) == (
        "POST /chat",
        None,
        None,
        None,
    )
    found = Discovered("chat", "http://127.0.0.1:1", "agent", "/openapi.json", None, None, None, None, api)
    text = windtunnel_toml([found])
    assert "# output_field" in text
    tasks = parse_config(text, tmp_path / "windtunnel.toml").target.services["chat"].tasks
    assert tasks is not None
    assert (tasks.idempotency_header, tasks.location_header, tasks.submit) == (None, None, None)


@pytest.mark.parametrize("paths", [{}, {"/users": {"post": {}}}, {"/users/{id}": {"get": {}}}])
def test_a_service_without_tasks_has_no_task_api(paths: dict[str, Any]) -> None:
    assert task_api({"paths": paths}) is None
