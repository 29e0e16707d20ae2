"""`windtunnel init` on a service that knows nothing of us, then the suites on what it wrote."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel


class Question(BaseModel):
    message: str
    conversation_id: str = ""


class Reply(BaseModel):
    reply: str


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    app, jobs = FastAPI(title="Support bot"), {}

    @app.post("/v1/chat")
    def chat(question: Question) -> Reply:
        return Reply(reply=f"You said {question.message}")

    @app.post("/v1/jobs", status_code=201)
    def create(question: Question) -> dict[str, str]:
        jobs[str(len(jobs))] = question.message
        return {"id": str(len(jobs) - 1), "state": "queued"}

    @app.get("/v1/jobs/{job}", responses={404: {}})
    def job(job: str) -> dict[str, str]:
        if job not in jobs:
            raise HTTPException(404)
        return {"id": job, "state": "done", "reply": jobs[job]}

    @app.get("/healthz")
    def healthy() -> dict[str, bool]:
        return {"ok": True}

    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


def windtunnel(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "harness.cli", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)


def outcomes(folder: Path) -> dict[str, list[Any]]:
    newest = max((folder / "reports").iterdir())
    rows = json.loads((newest / "findings.json").read_text())
    found: dict[str, list[Any]] = {}
    for row in rows["findings"] if isinstance(rows, dict) else rows:
        found.setdefault(row["verdict"], []).append(row)
    return found


def test_init_writes_what_the_suites_can_use(url: str, tmp_path: Path) -> None:
    made = windtunnel(tmp_path, "init", "--url", url)
    assert made.returncode == 0, made.stderr
    assert "id_field, status_field" in made.stdout

    # What nobody described is no accusation: it is named, with the fix.
    done = windtunnel(tmp_path, "contracts", "tasks")
    assert done.returncode == 2, done.stdout + done.stderr
    assert "it has id, state" in done.stdout
    assert "id_field" in done.stdout

    text = (tmp_path / "windtunnel.toml").read_text()
    told = 'id_field = "id"\nstatus_field = "state"\npending = ["queued"]\nsucceeded = ["done"]\n'
    (tmp_path / "windtunnel.toml").write_text(text.replace('# id_field = "task_id"', told + "# id_field"))
    done = windtunnel(tmp_path, "contracts", "tasks")
    assert done.returncode == 0, done.stdout + done.stderr

    done = windtunnel(tmp_path, "scenarios")
    assert done.returncode == 0, done.stdout + done.stderr
    assert set(outcomes(tmp_path)) == {"PASS"}
