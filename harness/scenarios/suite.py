"""The scenarios suite: reads the files, plays each one as often as it asks, records what came of it."""

from __future__ import annotations

import asyncio

import httpx

from harness.core.errors import ConfigError
from harness.core.events import Check, SuiteEnded, SuiteStarted, proofs
from harness.scenarios import logs
from harness.scenarios.edges import ClusterEdges, Edges
from harness.scenarios.judging import Run, checks
from harness.scenarios.model import Scenario
from harness.scenarios.playing import Stage
from harness.scenarios.reading import read_folder, select
from harness.scenarios.repetition import decided
from harness.targets.suite import SuiteContext
from harness.targets.target import LiveService, Target

SUITE = "scenarios"
AT_ONCE = 4
QUICK_TAG = "quick"


class ScenariosSuite:
    """Plays the scenarios of a target. See docs/scenarios.md."""

    name = SUITE

    async def run(self, context: SuiteContext) -> None:
        """Record SuiteStarted, the checks of every scenario, SuiteEnded."""
        plan = planned(context)
        names = (*(scenario.name for scenario, _ in plan), *((logs.SCOPE,) if _reads_logs(context) else ()))
        proves = proofs(SUITE, ((scenario.name, scenario.proves) for scenario, _ in plan))
        files = {scenario.name: context.config.shown(scenario.file) for scenario, _ in plan}
        started = SuiteStarted(suite=SUITE, expects=names, proves=proves, files=files)
        context.recorder.emit(started, suite=SUITE)
        work = asyncio.create_task(_all(plan, context))
        halt = asyncio.create_task(context.stop.wait())
        try:
            await asyncio.wait({work, halt}, return_when=asyncio.FIRST_COMPLETED)
            interrupted = not work.done()
        finally:
            halt.cancel()
            if not work.done():
                work.cancel()
            await asyncio.wait({work})
        if not interrupted:
            work.result()
        outcome = SuiteEnded(suite=SUITE, outcome="interrupted" if interrupted else "completed")
        context.recorder.emit(outcome, suite=SUITE)


def planned(context: SuiteContext) -> list[tuple[Scenario, LiveService]]:
    """The scenarios to play, each with the service it asks. Raises ConfigError for mistakes in any file."""
    settings = context.config.suites.scenarios
    rows = read_folder(context.config.path(settings.path))
    # Where nobody has marked any, a quick run has them all: a user's first handful is quick.
    quick = context.quick and not context.only and any(QUICK_TAG in row.tags for row in rows)
    tags = (QUICK_TAG,) if quick else settings.tags
    chosen = select(rows, context.only, tags)
    if not chosen:
        raise ConfigError(f"no scenario to play in {settings.path}", hint="write one: docs/scenarios.md shows how")
    return [(scenario, asked(scenario, context.target, settings.service)) for scenario in chosen]


def asked(scenario: Scenario, target: Target, otherwise: str | None = None) -> LiveService:
    """The service that `scenario` asks: the one it names, else `otherwise`, else the only one that takes tasks."""
    name = scenario.service or otherwise
    if name is not None:
        service = target.service(name)
        if service.spec.tasks is None:
            raise ConfigError(f"{scenario.name}: service {service.name} takes no tasks")
        return service
    taking = [service for service in target.services.values() if service.spec.tasks is not None]
    if len(taking) != 1:
        names = ", ".join(service.name for service in taking) or "none"
        raise ConfigError(f"{scenario.name}: which service is asked? {names} take tasks", hint="add `service: <name>`")
    return taking[0]


async def _all(plan: list[tuple[Scenario, LiveService]], context: SuiteContext) -> None:
    limits = httpx.Limits(max_connections=100, max_keepalive_connections=20)
    async with httpx.AsyncClient(timeout=60, limits=limits) as http:
        unique = f"{int(context.clock.wall().timestamp() * 1000):x}"
        stage = Stage(context, http, edges_of(context), unique)
        room = asyncio.Semaphore(AT_ONCE)

        async def one(scenario: Scenario, service: LiveService) -> None:
            async with room:
                await _repeated(stage, scenario, service)

        try:
            async with asyncio.TaskGroup() as group:
                for scenario, service in plan:
                    if not scenario.alone:
                        group.create_task(one(scenario, service))
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None
        for scenario, service in plan:
            if scenario.alone:
                await one(scenario, service)
        if _reads_logs(context):
            fields = context.config.suites.scenarios.logs_fields
            reader = logs.Logs(http, context.target, unique, fields)
            for check in await reader.check(scenario for scenario, _ in plan):
                context.recorder.emit(check, suite=SUITE, scope=logs.SCOPE)


def _reads_logs(context: SuiteContext) -> bool:
    return bool(context.target.cluster_state) and context.config.suites.scenarios.logs


async def _repeated(stage: Stage, scenario: Scenario, service: LiveService) -> None:
    context = stage.context
    times = max(scenario.repeat.times, context.config.suites.scenarios.repeat)
    runs: list[Run] = []
    for number in range(1, times + 1):
        context.progress.step(f"scenarios: {scenario.name}" + (f" ({number} of {times})" if times > 1 else ""))
        runs.append(await stage.play(scenario, service, number))
        good = sum(run.holds for run in runs)
        bad = sum(not run.holds and not run.spoilt for run in runs)
        if decided(good, bad, times - number, scenario.repeat.at_least):
            break
    found = checks(scenario, runs, f"windtunnel scenarios {scenario.name}")
    for check in found:
        context.recorder.emit(check, suite=SUITE, scope=scenario.name)
    context.progress.line(f"scenario {scenario.name}: {_word(found)}")


def _word(found: list[Check]) -> str:
    order = ("fail", "infra", "inconclusive", "not_run", "pass")
    worst = next(word for word in order if any(check.outcome == word for check in found))
    return worst.upper().replace("_", " ")


def edges_of(context: SuiteContext) -> Edges | None:
    """The edges of the local cluster, where the target is one."""
    return ClusterEdges(context) if context.target.cluster_state else None
