"""A client of one agent service that writes the history of all it does."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from pydantic import JsonValue

from harness.core.clock import Clock
from harness.core.config import TasksApi
from harness.core.errors import ConfigError
from harness.core.events import Operation
from harness.evidence.recorder import Recorder
from harness.targets import http_errors
from harness.targets.fields import fill, pick
from harness.targets.target import LiveService

OUTPUT_LIMIT = 4_000  # characters of an answer that the history keeps


@dataclass(frozen=True)
class TaskReply:
    """What one operation came to: `ok`, `fail` (definitely nothing happened) or `info` (unknown)."""

    step: str
    code: int | None
    task_id: str
    status: str
    body: JsonValue
    error: str
    latency_s: float
    headers: Mapping[str, str]

    @property
    def ok(self) -> bool:
        return self.step == "ok"


class TaskClient:
    """Submits tasks to `service`, follows them, and records each operation as it does.

    `process` names the logical client; a client does one thing after the other, so give each concurrent user
    its own through `as_process`. `headers` go with every request. `phase` marks what a load phase or an
    experiment's stage did. The HTTP client is shared and not closed here.
    """

    def __init__(
        self,
        service: LiveService,
        *,
        http: httpx.AsyncClient,
        recorder: Recorder,
        clock: Clock,
        suite: str,
        scope: str = "",
        process: str = "client",
        headers: Mapping[str, str] | None = None,
        numbers: itertools.count[int] | None = None,
    ) -> None:
        if service.spec.tasks is None:
            raise ConfigError(
                f"service {service.name!r} takes no tasks",
                hint=f"describe its task API under [target.services.{service.name}.tasks] in windtunnel.toml",
            )
        self.service = service
        self.api: TasksApi = service.spec.tasks
        self.process = process
        self._http = http
        self._recorder = recorder
        self._clock = clock
        self._suite = suite
        self._scope = scope
        self._headers = dict(headers or {})
        self._numbers = numbers if numbers is not None else itertools.count(1)

    def as_process(self, process: str, headers: Mapping[str, str] | None = None) -> TaskClient:
        """The same client as another logical user, with more headers if given."""
        return TaskClient(
            self.service,
            http=self._http,
            recorder=self._recorder,
            clock=self._clock,
            suite=self._suite,
            scope=self._scope,
            process=process,
            headers={**self._headers, **(headers or {})},
            numbers=self._numbers,
        )

    async def submit(self, prompt: str, *, key: str, session: str, phase: str = "", **extra: Any) -> TaskReply:
        """Hand in a task (`POST /tasks`); `ok` means that the service accepted it."""
        return await self._send("submit", self.api.submit, prompt, key, session, phase, extra)

    async def run(self, prompt: str, *, key: str, session: str, phase: str = "", **extra: Any) -> TaskReply:
        """Run a task and wait for its answer in the same request (`POST /run`)."""
        return await self._send("run", self.api.run, prompt, key, session, phase, extra)

    async def status(self, task_id: str, *, phase: str = "") -> TaskReply:
        """Ask how a task stands."""
        method, path = self._route("status", self.api.status)
        return await self._exchange("status", method, path.replace("{id}", task_id), None, {}, task_id, phase)

    async def cancel(self, task_id: str, *, phase: str = "") -> TaskReply:
        """Ask for a task to be cancelled."""
        method, path = self._route("cancel", self.api.cancel)
        return await self._exchange("cancel", method, path.replace("{id}", task_id), None, {}, task_id, phase)

    async def answer(self, task_id: str, question: str, text: str, *, phase: str = "") -> TaskReply:
        """Answer what a task asks."""
        method, path = self._route("answer", self.api.answer)
        body = fill(self.api.answer_body, {"question": question, "text": text})
        return await self._exchange("answer", method, path.replace("{id}", task_id), body, {}, task_id, phase)

    def questions(self, reply: TaskReply) -> list[str]:
        """The ids of what a task asks at present; nothing where it does not wait for a person."""
        if not reply.ok or reply.status not in self.api.waiting:
            return []
        rows = pick(reply.body, self.api.questions_field)
        found = [pick(row, self.api.question_id_field) for row in rows] if isinstance(rows, list) else []
        return [str(name) for name in found if name is not None]

    async def wait(
        self,
        task_id: str,
        *,
        timeout_s: float,
        phase: str = "",
        first_s: float = 0.05,
        most_s: float = 1.0,
        asked: bool = False,
    ) -> TaskReply:
        """Poll until the task is over or `timeout_s` has passed, doubling the pause up to `most_s`.

        With `asked` it also ends when the task asks something. Returns the last reply; look at `status` (or
        `is_over`) to see whether the task ended.
        """
        deadline = self._clock.monotonic() + timeout_s
        pause = first_s
        while True:
            reply = await self.status(task_id, phase=phase)
            left = deadline - self._clock.monotonic()
            if self.is_over(reply) or left <= 0 or (asked and self.questions(reply)):
                return reply
            await asyncio.sleep(min(pause, left))
            pause = min(pause * 2, most_s)

    def is_over(self, reply: TaskReply) -> bool:
        """True when the reply shows a state that a task never leaves."""
        return reply.ok and reply.status in (*self.api.succeeded, *self.api.failed)

    async def _send(
        self,
        kind: str,
        route: str | None,
        prompt: str,
        key: str,
        session: str,
        phase: str,
        extra: dict[str, Any],
    ) -> TaskReply:
        method, path = self._route(kind, route)
        body = {**fill(self.api.body, {"prompt": prompt, "session": session, "key": key}), **extra}
        headers = {self.api.idempotency_header: key} if self.api.idempotency_header else {}
        return await self._exchange(kind, method, path, body, headers, key, phase)

    def _route(self, kind: str, route: str | None) -> tuple[str, str]:
        if route is None:
            raise ConfigError(f"service {self.service.name!r} has no `{kind}` route in windtunnel.toml")
        method, _, path = route.partition(" ")
        return method, path

    async def _exchange(
        self, kind: str, method: str, path: str, body: Any, headers: dict[str, str], key: str, phase: str
    ) -> TaskReply:
        op = f"{self._scope or self._suite}/{self.process}/{next(self._numbers)}"
        common = {
            "op": op,
            "process": self.process,
            "kind": kind,
            "service": self.service.name,
            "phase": phase,
        }
        self._emit(Operation(step="invoke", key=key, value=body, **common))
        began = self._clock.monotonic()
        try:
            response = await self._http.request(
                method, self.service.url + path, json=body, headers={**self._headers, **headers}
            )
        except httpx.HTTPError as error:
            reply = TaskReply(
                step="fail" if http_errors.definite(error) else "info",
                code=None,
                task_id="",
                status="",
                body=None,
                error=http_errors.name(error),
                latency_s=self._clock.monotonic() - began,
                headers={},
            )
        except asyncio.CancelledError:
            took = self._clock.monotonic() - began
            self._emit(Operation(step="info", key=key, error="Cancelled", service_s=took, **common))
            raise
        else:
            reply = self._read(kind, response, self._clock.monotonic() - began)
        self._emit(
            Operation(
                step=reply.step,
                key=reply.task_id or key,
                value={"status": reply.status, "output": self._output(reply.body), "sent_key": key},
                code=reply.code,
                error=reply.error,
                latency_s=round(reply.latency_s, 6),
                service_s=round(reply.latency_s, 6),
                **common,
            )
        )
        return reply

    def _read(self, kind: str, response: httpx.Response, took: float) -> TaskReply:
        try:
            body: JsonValue = response.json()
        except ValueError:
            body = response.text[:OUTPUT_LIMIT]
        good = response.status_code in (self.api.accepted if kind == "submit" else range(200, 300))
        task_id = pick(body, self.api.id_field)
        status = pick(body, self.api.status_field)
        if status is None and kind == "run" and good and self.api.succeeded:
            status = self.api.succeeded[0]  # a door that waits for the end may answer with the output alone
        # A 5xx may have come after the effect (a gateway that gave up waiting); a 4xx refuses beforehand.
        step = "ok" if good else "info" if response.status_code >= 500 else "fail"
        return TaskReply(
            step=step,
            code=response.status_code,
            task_id=str(task_id) if task_id is not None else "",
            status=str(status) if good and status is not None else "",
            body=body,
            error="" if good else f"HTTP {response.status_code}",
            latency_s=took,
            headers=dict(response.headers),
        )

    def _output(self, body: JsonValue) -> JsonValue:
        output = pick(body, self.api.output_field)
        return output[:OUTPUT_LIMIT] if isinstance(output, str) else output

    def _emit(self, operation: Operation) -> None:
        self._recorder.emit(operation, suite=self._suite, scope=self._scope)
