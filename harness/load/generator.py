"""The generator: a dispatcher greenlet inside Locust that follows the schedule, one greenlet an arrival.

The only module of the harness that imports Locust, which patches the whole process: it is reached through
load/locustfile.py in a process of its own.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import gevent
from gevent.pool import Pool
from locust import FastHttpUser, events
from locust.env import Environment
from locust.runners import WorkerRunner

from harness.core.clock import RealClock
from harness.core.events import Operation, Phase, Sample
from harness.core.seed import Seed
from harness.evidence.rundir import RunDir
from harness.load.arrivals import Arrival, schedule
from harness.load.job import SUITE, Job
from harness.load.tally import Lateness
from harness.targets.fields import fill, pick

ENV = "WINDTUNNEL_LOAD_JOB"
FLUSH_S = 0.25
POOL = 5000  # requests under way at most; more means that the target has stopped answering


class Generator:
    """Sends one schedule through one Locust user's client, and records all that came of it."""

    def __init__(self, job: Job, environment: Environment, client: Any) -> None:
        self.job, self.environment, self.client = job, environment, client
        self.clock = RealClock()
        self.run = RunDir.open(job.run_dir)
        self.recorder = self.run.recorder(f"load{os.getpid()}", self.clock)
        self.scope = job.profile.name
        self.lateness = Lateness()
        self.pool = Pool(POOL)
        self._pending: list[tuple[Any, float]] = []
        self._numbers = 0
        self._done = False

    def go(self) -> None:
        """Follow the schedule to its end, wait for the answers, record what the generator was worth."""
        flusher = gevent.spawn(self._flush_forever)
        start = self.clock.monotonic() + 0.2
        phases = gevent.spawn(self._phases, start)
        rng = Seed(self.job.seed).derive("arrivals").rng()
        workers, index = _share(self.environment)
        try:
            for arrival in schedule(self.job.profile, rng):
                if arrival.number % workers != index:
                    continue
                self.lateness.due += 1
                due = start + arrival.at
                # Also when behind: without a pause, what was spawned would never get to send.
                gevent.sleep(max(0.0, due - self.clock.monotonic()))
                if self.pool.free_count() > 0:
                    self.pool.spawn(self._one, arrival, due)
            phases.join()
            self.pool.join(timeout=self.job.profile.drain_s)
            self.pool.kill()
        finally:
            self._done = True
            flusher.join(timeout=FLUSH_S * 4)
            self._worth()
            self._flush()
            self.recorder.close()

    def _phases(self, start: float) -> None:
        at = start
        for phase in self.job.profile.phases:
            gevent.sleep(max(0.0, at - self.clock.monotonic()))
            rate = phase.factor * self.job.profile.peak
            row = {"name": phase.name, "rate": rate, "slo": phase.slo.limits(), "measured": phase.measured}
            self._keep(Phase(edge="start", **row), at)
            at += phase.seconds
            gevent.sleep(max(0.0, at - self.clock.monotonic()))
            self._keep(Phase(edge="end", **row), at)

    def _worth(self) -> None:
        now = self.clock.monotonic()
        for name, value in (
            ("generator_due", float(self.lateness.due)),
            ("generator_dropped", float(self.lateness.dropped)),
            ("generator_lateness_p50_seconds", self.lateness.quantile_s(50)),
            ("generator_lateness_p99_seconds", self.lateness.quantile_s(99)),
            ("generator_lateness_max_seconds", self.lateness.quantile_s(100)),
            ("generator_cpu_seconds", time.process_time()),
            ("generator_drain_limit_seconds", self.job.profile.drained_within_s or 0.0),
        ):
            self._keep(Sample(service="generator", name=name, value=value), now)

    # -- one arrival ---------------------------------------------------------------------------------

    def _one(self, arrival: Arrival, due: float) -> None:
        self.lateness.record(max(0.0, self.clock.monotonic() - due))
        job, api = self.job, self.job.api
        key = f"{job.unique}-{arrival.number}"
        session = f"{job.unique}-s{arrival.session}"
        body = fill(api.body, {"prompt": job.profile.prompts[arrival.prompt], "session": session, "key": key})
        headers = {"traceparent": f"00-{_hex(key, 32)}-{_hex(key, 16)}-01", "baggage": f"mock.session={session}"}
        if api.idempotency_header:
            headers[api.idempotency_header] = key
        kind = arrival.kind if getattr(api, arrival.kind) else ("submit" if api.submit else "run")
        reply = self._exchange(kind, getattr(api, kind), body, headers, key, arrival, due)
        if kind == "submit" and reply is not None:
            self._follow(str(pick(reply, api.id_field)), arrival)

    def _follow(self, task_id: str, arrival: Arrival) -> None:
        """Poll with a growing pause until the task is over or the client's patience is."""
        api, profile = self.job.api, self.job.profile
        if api.status is None:
            return
        until = self.clock.monotonic() + profile.timeout_s
        pause = profile.poll_first_s
        while self.clock.monotonic() < until:
            gevent.sleep(pause)
            pause = min(pause * 2, profile.poll_most_s)
            route = api.status.replace("{id}", task_id)
            reply = self._exchange("status", route, None, {}, task_id, arrival, self.clock.monotonic())
            if reply is not None and pick(reply, api.status_field) in (*api.succeeded, *api.failed):
                return

    def _exchange(
        self, kind: str, route: str, body: Any, headers: dict[str, str], key: str, arrival: Arrival, due: float
    ) -> Any:
        """Send one request; the parsed answer when it was a good one."""
        self._numbers += 1
        op = f"{self.scope}/{os.getpid()}/{self._numbers}"
        common: dict[str, Any] = {
            "op": op, "process": f"user-{arrival.number}", "kind": kind, "service": self.job.service,
            "phase": arrival.phase,
        }  # fmt: skip
        method, _, path = route.partition(" ")
        sent = self.clock.monotonic()
        t0 = self.run.meta.t0
        self._keep(Operation(step="invoke", key=key, intended=round(due - t0, 6), value=body, **common), sent)
        parsed: Any = None
        error = ""
        # The user's client would time its own request; what Locust reports is fired below, from the due time.
        with self.client.request(
            method,
            path,
            json=body,
            headers={**self.job.headers, **headers},
            catch_response=True,
            name=f"{kind} (service time)",
        ) as response:
            code = response.status_code or None
            if code is None:
                error = type(response.error).__name__ if response.error else "NoAnswer"
            good = code in (self.job.api.accepted if kind == "submit" else range(200, 300))
            if good:
                try:
                    parsed = json.loads(response.content)
                except ValueError:
                    good, error = False, "NotJson"
                response.success()
            else:
                error = error or f"HTTP {code}"
                response.failure(error)
        now = self.clock.monotonic()
        refused = (code is not None and 400 <= code < 500) or error == "ConnectionRefusedError"
        step = "ok" if good else "fail" if refused else "info"
        task_id = pick(parsed, self.job.api.id_field)
        status = pick(parsed, self.job.api.status_field)
        ended_badly = kind == "run" and good and status in self.job.api.failed
        self._keep(
            Operation(
                step=step,
                key=str(task_id) if task_id is not None else key,
                value={"status": status, "sent_key": key},
                code=code,
                error="TaskFailed" if ended_badly else error,
                intended=round(due - t0, 6),
                latency_s=round(now - due, 6),
                service_s=round(now - sent, 6),
                **common,
            ),
            now,
        )
        self.environment.events.request.fire(  # type: ignore[no-untyped-call]
            request_type="OPEN",
            name=f"{kind} {arrival.phase}",
            response_time=(now - due) * 1000,
            response_length=len(response.content or b""),
            exception=None if good and not ended_badly else RuntimeError(error or "TaskFailed"),
            context={},
        )
        return parsed if good else None

    # -- recording -----------------------------------------------------------------------------------

    def _keep(self, body: Any, at: float) -> None:
        self._pending.append((body, at))

    def _flush_forever(self) -> None:
        while not self._done:
            gevent.sleep(FLUSH_S)
            self._flush()

    def _flush(self) -> None:
        rows, self._pending = self._pending, []
        if rows:
            self.recorder.write(rows, suite=SUITE, scope=self.scope)


def _hex(text: str, length: int) -> str:
    import hashlib

    return hashlib.blake2b(text.encode(), digest_size=length // 2).hexdigest()


def _share(environment: Environment) -> tuple[int, int]:
    """How many generators share the schedule, and which one this is."""
    if isinstance(environment.runner, WorkerRunner):
        options = environment.parsed_options
        return max(1, int(getattr(options, "expect_workers", 1) or 1)), environment.runner.worker_index
    return 1, 0


class OpenLoopUser(FastHttpUser):
    """Locust's one user: its task is the whole schedule. Latency in the statistics is from the intended send."""

    abstract = True
    job: Job

    def on_start(self) -> None:
        """Follow the schedule, then end the test."""
        Generator(self.job, self.environment, self.client).go()
        if self.environment.runner is not None:
            self.environment.runner.quit()


def user_class() -> type[OpenLoopUser]:
    """The user for the job that the environment names. Raises SystemExit saying how to make one."""
    path = os.environ.get(ENV)
    if not path:
        raise SystemExit(f"{ENV} names no job file: run `windtunnel load`, or set it to a run's load/job.json")
    job = Job.model_validate_json(Path(path).read_text())

    class Windtunnel(OpenLoopUser):
        host = job.url
        fixed_count = 1
        network_timeout = job.profile.timeout_s
        connection_timeout = 5.0
        concurrency = POOL

    Windtunnel.job = job
    return Windtunnel


@events.init.add_listener  # type: ignore[untyped-decorator]
def _quiet(environment: Environment, **_: Any) -> None:
    # The verdict is ours: Locust's exit code speaks of every single failed request.
    environment.process_exit_code = 0
