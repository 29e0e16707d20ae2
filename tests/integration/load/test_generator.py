"""The generator as it runs for a user: Locust in a process of its own, against servers whose truth is known."""

from __future__ import annotations

import asyncio
import json
import math
import os
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from harness.checkers.generator import generator
from harness.checkers.slo import slo
from harness.core.clock import RealClock
from harness.core.config import TasksApi
from harness.core.events import Event, Phase
from harness.core.history import Call, calls
from harness.core.verdict import Verdict
from harness.evidence.rundir import RunDir
from harness.load.job import Job
from harness.load.profile import Profile

ROOT = Path(__file__).parents[3]
Answer = Callable[[str, str, dict[str, str]], Awaitable[tuple[int, Any]]]


@asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[str]:
    """A small keep-alive HTTP server; `answer` gets method, path and headers."""

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                first, *rest = head.decode().split("\r\n")
                method, path, _ = first.split(" ")
                headers = {k.lower(): v.strip() for k, _, v in (row.partition(":") for row in rest if row)}
                await reader.readexactly(int(headers.get("content-length", 0)))
                code, document = await answer(method, path, headers)
                body = json.dumps(document).encode()
                writer.write(f"HTTP/1.1 {code} X\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(connection, "127.0.0.1", 0, backlog=1024)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def generate(tmp_path: Path, url: str, **profile: Any) -> tuple[list[Event], RunDir]:
    """Run the profile with plain `locust -f load/locustfile.py`; what it recorded."""
    run = RunDir.create(tmp_path, clock=RealClock(), seed=1)
    spec = Profile.model_validate({"name": "p", "arrivals": "constant", "drain_s": 5, "timeout_s": 5, **profile})
    job = run.path / "job.json"
    job.write_text(
        Job(
            run_dir=run.path, service="a", url=url, api=TasksApi(), headers={"authorization": "Bearer t"},
            profile=spec, seed=1, unique="u",
        ).model_dump_json()
    )  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "locust", "-f", str(ROOT / "load/locustfile.py"), "--headless", "-u", "1"),
        env={**os.environ, "WINDTUNNEL_LOAD_JOB": str(job)},
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), 60)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, output.decode()
    return run.events(), run


def quantile(values: list[float], share: float) -> float:
    return sorted(values)[math.ceil(share * len(values)) - 1]


async def test_a_stall_is_seen_in_full_by_those_who_should_have_been_served(tmp_path: Path) -> None:
    """Coordinated omission: a client that waits for its answer sends little during a stall and hardly sees it."""
    served_s, stall_s = 0.01, 0.8
    stall: list[float] = []

    async def answer(method: str, path: str, headers: dict[str, str]) -> tuple[int, Any]:
        now = time.monotonic()
        if not stall:
            stall.extend((now + 1.0, now + 1.0 + stall_s))
        if stall[0] <= now < stall[1]:
            await asyncio.sleep(stall[1] - now)
        await asyncio.sleep(served_s)
        return 200, {"task_id": "t", "status": "completed"}

    async with serving(answer) as url:
        phases = [{"name": "1x", "factor": 1, "seconds": 3}]
        events, run = await generate(tmp_path, url, peak=50, phases=phases)
    history = calls(events)
    assert len(history) == 150
    due = [run.meta.t0 + (call.sent.intended or 0.0) for call in history]
    truth = [served_s + (stall[1] - at if stall[0] <= at < stall[1] else 0.0) for at in due]
    ours = [call.answer.latency_s or 0.0 for call in history if call.answer is not None]
    assert len(ours) == len(truth)
    for share in (0.90, 0.95, 0.99):
        assert quantile(ours, share) == pytest.approx(quantile(truth, share), rel=0.05, abs=0.03)
    # One user that waits for each answer would have met the stall once in 110 requests: its p99 is `served_s`.
    assert quantile(ours, 0.99) > 20 * served_s


async def test_each_accepted_task_is_followed_to_its_end(tmp_path: Path) -> None:
    polls: Counter[str] = Counter()
    keys: list[str] = []
    sent: list[dict[str, str]] = []

    async def answer(method: str, path: str, headers: dict[str, str]) -> tuple[int, Any]:
        sent.append(headers)
        if method == "POST":
            keys.append(headers["idempotency-key"])
            return 202, {"task_id": f"t{len(keys)}", "status": "pending"}
        task = path.rsplit("/", 1)[1]
        polls[task] += 1
        return 200, {"task_id": task, "status": "completed" if polls[task] == 2 else "running"}

    async with serving(answer) as url:
        events, _ = await generate(
            tmp_path, url, peak=20, mix={"run": 0, "submit": 1}, poll_first_s=0.02,
            phases=[{"name": "1x", "factor": 1, "seconds": 1}],
        )  # fmt: skip
    assert len(keys) == len(set(keys)) == 20
    assert set(polls.values()) == {2} and len(polls) == 20
    assert all(h["authorization"] == "Bearer t" for h in sent)
    assert all("mock.session=u-" in h["baggage"] for h in sent if "idempotency-key" in h)
    history = calls(events)
    assert Counter((c.sent.kind, c.outcome) for c in history) == {("submit", "ok"): 20, ("status", "ok"): 40}
    assert {_ended(c)["status"] for c in history if c.sent.kind == "status"} == {"running", "completed"}
    assert [(e.body.name, e.body.edge) for e in events if isinstance(e.body, Phase)] == [
        ("1x", "start"), ("1x", "end"),
    ]  # fmt: skip
    assert len(list(generator(events))) == 1


async def test_a_server_that_breaks_under_load_fails_that_phase_and_no_other(tmp_path: Path) -> None:
    recent: list[float] = []

    async def answer(method: str, path: str, headers: dict[str, str]) -> tuple[int, Any]:
        now = time.monotonic()
        recent.append(now)
        busy = sum(now - at < 0.5 for at in recent) > 25
        return (500, {}) if busy else (200, {"task_id": "t", "status": "completed"})

    async with serving(answer) as url:
        limits = {"error_rate": 0.05}
        events, _ = await generate(
            tmp_path, url, peak=10,
            phases=[
                {"name": "1x", "factor": 1, "seconds": 1.5, "slo": limits},
                {"name": "10x", "factor": 10, "seconds": 1.5, "slo": limits},
            ],
        )  # fmt: skip
    found = {finding.id: finding.verdict for finding in slo(events)}
    assert found == {"load/p/1x/error_rate": Verdict.PASS, "load/p/10x/error_rate": Verdict.FAIL}
    assert {c.outcome for c in calls(events) if c.answer and c.answer.code == 500} == {"info"}


async def test_a_target_that_is_not_there_is_a_history_of_definite_failures(tmp_path: Path) -> None:
    async with serving(lambda *_: asyncio.sleep(0, (200, {}))) as url:
        pass
    events, _ = await generate(tmp_path, url, peak=10, phases=[{"name": "1x", "factor": 1, "seconds": 0.5}])
    history = calls(events)
    assert len(history) == 5
    assert {c.outcome for c in history} == {"fail"}


def _ended(call: Call) -> dict[str, Any]:
    assert call.answer is not None and isinstance(call.answer.value, dict)
    return call.answer.value
