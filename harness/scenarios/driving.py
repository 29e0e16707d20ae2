"""`when`: hands in what the scenario says, as the users it names, and notes how each call ended."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from urllib.parse import quote

import httpx
from pydantic import JsonValue

from harness.core.clock import Clock
from harness.core.errors import InfraError
from harness.core.seed import Seed
from harness.evidence.recorder import Recorder
from harness.scenarios.model import Ask, Disturb, Scenario, Step, TaskEvent
from harness.scenarios.observation import Answer, caller_span
from harness.targets.fields import pick
from harness.targets.queue import QueueClient
from harness.targets.target import LiveService
from harness.targets.tasks import TaskClient, TaskReply


@dataclass
class Driver:
    """Drives one run of one scenario. `unique` keeps its ids apart from those of any other run.

    `session` is the mock LLM's session; it travels as W3C baggage, with a fresh trace for each call.
    """

    service: LiveService
    http: httpx.AsyncClient
    recorder: Recorder
    clock: Clock
    scope: str
    unique: str
    seed: Seed
    headers: Mapping[str, str]
    session: str
    disturb: Callable[[Disturb], Awaitable[None]] | None = None
    queue: QueueClient | None = None
    traces: set[str] = field(default_factory=set)
    _numbers: count[int] = field(default_factory=lambda: count(1))
    _operations: count[int] = field(default_factory=lambda: count(1))

    async def drive(self, scenario: Scenario) -> tuple[list[Answer], float]:
        """Do every step of `when`; returns the answers in the order of the calls, and the seconds taken."""
        began = self.clock.monotonic()
        answers: list[Answer] = []
        for step in scenario.when:
            answers.extend(await self._repeated(step))
        return answers, self.clock.monotonic() - began

    async def _repeated(self, step: Step) -> list[Answer]:
        return [answer for _ in range(step.times) for answer in await self._step(step)]

    async def _step(self, step: Step) -> list[Answer]:
        if step.pause_s is not None:
            await asyncio.sleep(step.pause_s)
            return []
        if step.fault is not None:
            assert self.disturb is not None  # the stage refuses to play where nothing can be broken
            await self.disturb(step.fault)
            return []
        if step.together:
            return await self._together(step.together)
        if step.run is not None:
            return [await self._ask(step.run, synchronous=True)]
        if step.event is not None:
            return [await self._event(step.event)]
        assert step.task is not None
        return [await self._ask(step.task, synchronous=False)]

    async def _together(self, steps: Sequence[Step]) -> list[Answer]:
        """Steps at once. One that cannot be done (a fault that did not strike) ends the others, too."""
        running = [asyncio.create_task(self._repeated(step)) for step in steps]
        try:
            return [answer for part in await asyncio.gather(*running) for answer in part]
        finally:
            for one in running:
                one.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def _ask(self, ask: Ask, *, synchronous: bool) -> Answer:
        number = next(self._numbers)
        trace = f"{self.seed.derive(self.unique, number).number():016x}{number:016x}"
        self.traces.add(trace)
        client = self._client(f"{ask.as_}-{number}", trace)
        key = f"{self.unique}-{ask.key or number}"
        session = self._session(ask.as_, ask.session)
        began = self.clock.monotonic()
        send = client.run if synchronous else client.submit
        try:
            extra: dict[str, Any] = dict(ask.body)
            async with asyncio.timeout(ask.timeout_s):
                reply = await send(ask.prompt * ask.repeated, key=key, session=session, **extra)
                if not synchronous and reply.ok and reply.task_id:
                    reply = await self._finish(client, reply, ask)
        except TimeoutError:
            took = self.clock.monotonic() - began
            return Answer(ask.name, ask.as_, "", "", None, "no answer in time", None, None, took, trace)
        return self._answer(ask, reply, self.clock.monotonic() - began, trace)

    async def _event(self, ask: TaskEvent) -> Answer:
        assert self.queue is not None  # the stage opens it where a step needs it
        number = next(self._numbers)
        trace = f"{self.seed.derive(self.unique, number).number():016x}{number:016x}"
        self.traces.add(trace)
        task_id, session = f"{self.unique}-{number}", f"{self.unique}-{ask.as_}-{ask.session}"
        began = self.clock.monotonic()
        event = self.queue.event(task_id, session, ask.prompt)
        for _ in range(ask.copies):
            await self.queue.send(event, session=session, headers=self._marks(trace), task_id=task_id)
        result = await self.queue.until(self.queue.result_of(task_id), ask.timeout_s)
        took = self.clock.monotonic() - began
        if result is None:
            return Answer(ask.name, ask.as_, "", "", None, "no result event in time", None, None, took, trace)
        api = self.queue.api
        status, error = result.field(api.status_field), result.field(api.error_field)
        output = pick(result.event, api.output_field)
        return Answer(ask.name, ask.as_, task_id, status, output, error, 200, result.event, took, trace)

    def _marks(self, trace: str) -> dict[str, str]:
        return {"baggage": f"mock.session={self.session}", "traceparent": f"00-{trace}-{caller_span(trace)}-01"}

    async def again(self, answers: Sequence[Answer]) -> dict[str, JsonValue] | None:
        """The task of each answer, asked for once more; None where the service has no door for it."""
        api = self.service.spec.tasks
        if api is None or api.status is None:
            return None
        client = self._client("again", f"{self.seed.derive(self.unique, 'again').number():016x}{0:016x}")
        replies = [await client.status(answer.task_id) for answer in answers if answer.task_id]
        return {reply.task_id: reply.body for reply in replies if reply.ok}

    async def page(self, route: str, user: str, session: str) -> JsonValue:
        """A JSON page of the service, asked for once; None where it answers no JSON, or not with 200."""
        url = self.service.url + route.replace("{session}", quote(self._session(user, session), safe=""))
        try:
            answer = await self.http.get(url, headers=dict(self.headers))
            found: JsonValue = answer.json() if answer.status_code == 200 else None
        except httpx.HTTPError as error:
            raise InfraError(f"{route} cannot be read: {type(error).__name__}") from None
        except ValueError:
            return None
        return found

    def _session(self, user: str, session: str) -> str:
        return f"{self.unique}-{user}-{session}"

    async def _finish(self, client: TaskClient, taken: TaskReply, ask: Ask) -> TaskReply:
        if ask.cancel_after_s is not None:
            await asyncio.sleep(ask.cancel_after_s)
            await client.cancel(taken.task_id)
        if not ask.answers:
            return await client.wait(taken.task_id, timeout_s=ask.timeout_s, first_s=0.02, most_s=0.25)
        given: set[str] = set()
        while True:
            reply = await client.wait(taken.task_id, timeout_s=ask.timeout_s, first_s=0.02, most_s=0.25, asked=True)
            fresh = [name for name in client.questions(reply) if name in ask.answers and name not in given]
            for question in fresh:
                await client.answer(taken.task_id, question, ask.answers[question])
            given.update(fresh)
            if not fresh:
                return reply

    def _client(self, process: str, trace: str) -> TaskClient:
        headers = {**self.headers, **self._marks(trace)}
        return TaskClient(
            self.service,
            http=self.http,
            recorder=self.recorder,
            clock=self.clock,
            suite="scenarios",
            scope=self.scope,
            process=f"{self.unique}/{process}",
            headers=headers,
            numbers=self._operations,
        )

    def _answer(self, ask: Ask, reply: TaskReply, took: float, trace: str) -> Answer:
        api = self.service.spec.tasks
        assert api is not None
        error = pick(reply.body, api.error_field)
        state = pick(reply.body, api.status_field)
        return Answer(
            name=ask.name,
            user=ask.as_,
            task_id=reply.task_id,
            status=reply.status or (str(state) if isinstance(state, str) else ""),
            output=pick(reply.body, api.output_field),
            error=str(error) if error else reply.error,
            code=reply.code,
            body=reply.body,
            latency_s=took,
            trace_id=trace,
        )
