"""One run of one scenario: prepare, do, look, judge, clean up."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import httpx

from harness.core.errors import InfraError
from harness.core.seed import Seed
from harness.evidence.metrics.scrape import Scraper
from harness.faults.hands import Hands
from harness.scenarios import looking
from harness.scenarios.disturbing import Disturber
from harness.scenarios.driving import Driver
from harness.scenarios.edges import Edges
from harness.scenarios.judging import Run
from harness.scenarios.llm_session import LlmSession, model_call
from harness.scenarios.measuring import Measured
from harness.scenarios.model import Scenario
from harness.scenarios.observation import Answer, Observation
from harness.scenarios.then import Judged
from harness.targets.queue import queue_client
from harness.targets.suite import SuiteContext
from harness.targets.target import LiveService

NEEDS_LLM = "the target declares no service with role `llm` and an `admin` path: the script cannot be set"
SPANS_WITHIN_S, SPANS_LOOK_S = 8.0, 0.25
NEEDS_EDGES = "edges and workloads can only be broken on the local cluster"


@dataclass(frozen=True)
class Stage:
    """Where scenarios are played. `edges` is None where nobody can break them."""

    context: SuiteContext
    http: httpx.AsyncClient
    edges: Edges | None
    unique: str

    async def play(self, scenario: Scenario, service: LiveService, number: int) -> Run:
        """One run. Trouble around the subject spoils it; a mistake in the file raises ConfigError."""
        name = f"{scenario.name}-{self.unique}-{number}"
        try:
            return await self._played(scenario, service, name, number)
        except InfraError as error:
            return Run(spoilt=error.message)

    async def _played(self, scenario: Scenario, service: LiveService, name: str, number: int) -> Run:
        llm = self._llm(scenario, name)
        if scenario.disturbs and self.edges is None:
            raise InfraError(NEEDS_EDGES)
        if llm is not None:
            await llm.prepare(scenario)
        driver = Driver(
            service=service,
            http=self.http,
            recorder=self.context.recorder,
            clock=self.context.clock,
            scope=scenario.name,
            unique=f"{self.unique}-{scenario.name}-{number}",
            seed=Seed(self.context.seed.value).derive("scenarios", scenario.name, number),
            headers=self.context.target.headers,
            session=name,
        )
        measured = Measured(Scraper(self.http, self.context.target), scenario.measures)
        counted = await measured.still() if scenario.measures and measured.scraper.wanted else None
        async with contextlib.AsyncExitStack() as stack:
            if any(step.queued for step in scenario.when):
                context = self.context
                opened = queue_client(service, context.target, self.http, context.clock, context.config.root)
                driver.queue = await stack.enter_async_context(opened)
            if scenario.disturbs and self.edges is not None:
                hands = await stack.enter_async_context(self.edges.broken(scenario.given.edges, scenario.name))
                driver.disturb = self._disturber(hands, driver, llm).disturb
            answers, took = await driver.drive(scenario)
        seen = await self._look(answers, took, service, llm)
        pages = {wish.page.key for wish in scenario.then if wish.page is not None}
        seen = dataclasses.replace(seen, pages={key: await driver.page(*key) for key in sorted(pages)})
        if counted is not None:
            seen = dataclasses.replace(seen, moved=await measured.since(counted))
        wishes: list[Judged] = [
            assertion.judged
            for assertion in scenario.then
            if assertion.spans is not None or (assertion.backoff is not None and assertion.backoff.tool)
        ]
        if wishes:
            seen = await self._traced(seen, wishes)
        waits = [assertion.stable.after_s for assertion in scenario.then if assertion.stable is not None]
        if waits:
            await asyncio.sleep(max(waits))
            seen = dataclasses.replace(seen, later=await driver.again(answers))
        if llm is not None:
            await llm.drop()
        if all(answer.code is None and answer.error == "ConnectError" for answer in answers):
            raise InfraError(f"nothing answers at {service.url}")
        return Run(tuple(assertion.judged.judge(seen) for assertion in scenario.then))

    def _disturber(self, hands: Hands, driver: Driver, llm: LlmSession | None) -> Disturber:
        async def effects_of(tool: str) -> int:
            found = await looking.effects(self.http, self.context.target, (), driver.traces)
            if found is None:
                raise InfraError("no service declares a ledger: an effect cannot be waited for")
            return sum(effect.tool == tool for effect in found)

        async def llm_asked() -> int:
            if llm is None:
                raise InfraError(NEEDS_LLM)
            return await llm.asked()

        return Disturber(hands, effects_of, llm_asked, self.context.clock)

    async def _look(
        self, answers: list[Answer], took: float, service: LiveService, llm: LlmSession | None
    ) -> Observation:
        journal = await llm.journal() if llm is not None else None
        api = service.spec.tasks
        return Observation(
            answers=tuple(answers),
            trajectory=looking.trajectory(answers, journal),
            models=None if journal is None else tuple(model_call(entry) for entry in journal),
            effects=await looking.effects(self.http, self.context.target, answers),
            duration_s=took,
            succeeded=frozenset(api.succeeded if api else ()),
        )

    async def _traced(self, seen: Observation, wishes: Sequence[Judged]) -> Observation:
        """With the spans. They come in batches, late: looked for until all wishes hold, or for so long."""
        context = self.context
        until = context.clock.monotonic() + SPANS_WITHIN_S
        while True:
            seen = dataclasses.replace(seen, spans=await looking.spans(self.http, context.target, seen.answers))
            if seen.spans is None or all(wish.judge(seen).holds for wish in wishes):
                return seen
            if context.clock.monotonic() > until:
                return seen
            await asyncio.sleep(SPANS_LOOK_S)

    def _llm(self, scenario: Scenario, name: str) -> LlmSession | None:
        for service in self.context.target.by_role("llm"):
            if service.spec.admin:
                return LlmSession(self.http, service.url + service.spec.admin, name)
        if scenario.given.llm.script is not None or scenario.given.llm.faults is not None:
            raise InfraError(NEEDS_LLM)
        return None
