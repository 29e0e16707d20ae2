"""The contracts suite: plans what to check from windtunnel.toml, runs it, and records every promise."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import httpx

from harness.contracts.groups import GROUPS, Session
from harness.contracts.promises import SUITE, Promises
from harness.contracts.proves import PROVES
from harness.core.config import Config
from harness.core.errors import ConfigError, InfraError
from harness.core.events import SuiteEnded, SuiteStarted
from harness.targets.suite import SuiteContext
from harness.targets.target import LiveService, Target


@dataclass(frozen=True)
class Part:
    """One group of checks on one service. `alone` parts run one after the other, before all others."""

    service: LiveService
    group: str
    alone: bool
    check: Callable[[Session, LiveService, Promises], Awaitable[None]]

    @property
    def scope(self) -> str:
        return f"{self.service.name}/{self.group}"


class ContractsSuite:
    """Checks the contracts of every service that declares one. See docs/contracts.md."""

    name = SUITE

    async def run(self, context: SuiteContext) -> None:
        """Record SuiteStarted, the checks of every part, SuiteEnded."""
        parts = plan(context.target, context.config, context.only, quick=context.quick)
        scopes = tuple(part.scope for part in parts)
        context.recorder.emit(SuiteStarted(suite=SUITE, expects=scopes, proves=PROVES), suite=SUITE)
        work = asyncio.create_task(_all(parts, context))
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


def plan(target: Target, config: Config, only: tuple[str, ...] = (), *, quick: bool = False) -> list[Part]:
    """The parts to run. `only` (or `suites.contracts.services`) names services, groups, or `service/group`; a `quick`
    run leaves slow groups out unless they are named.

    Raises ConfigError for a name that fits nothing, with the closest ones.
    """
    settings = config.suites.contracts
    parts = [
        Part(service, name, group.alone, group.check)
        for service in target.services.values()
        for name, group in GROUPS.items()
        if group.declared(config, target, service)
    ]
    wanted = only or settings.services
    known = sorted({word for part in parts for word in (part.service.name, part.group, part.scope)})
    for word in wanted:
        if word not in known:
            close = difflib.get_close_matches(word, known, n=3, cutoff=0.4)
            raise ConfigError(
                f"contracts: nothing is called {word!r}",
                hint=f"did you mean {', '.join(close)}?" if close else f"there are: {', '.join(known)}",
            )
    slow = {name for name, group in GROUPS.items() if quick and not group.quick} - set(wanted)
    chosen = [
        part
        for part in parts
        if (not wanted or {part.service.name, part.group, part.scope} & set(wanted))
        and (part.group not in slow or part.scope in wanted)
    ]
    if not chosen:
        raise ConfigError(
            "contracts: no service declares anything to check",
            hint="give a service `openapi`, `tools`, `tasks` or `metrics` in windtunnel.toml",
        )
    return chosen


async def _all(parts: list[Part], context: SuiteContext) -> None:
    limits = httpx.Limits(max_connections=40, max_keepalive_connections=20)
    async with httpx.AsyncClient(timeout=15, limits=limits) as http:
        session = Session(http, context)
        up = {
            part.service.name: await session.reachable(part.service)
            for part in {part.service.name: part for part in parts}.values()
        }

        async def one(part: Part) -> None:
            promises = Promises(context.recorder, part.scope)
            if problem := up[part.service.name]:
                _infra(promises, part, problem)
                return
            context.progress.step(f"contracts: {part.scope}")
            try:
                await part.check(session, part.service, promises)
            except InfraError as error:
                _infra(promises, part, error.message)

        for part in parts:
            if part.alone:
                await one(part)
        try:
            async with asyncio.TaskGroup() as group:
                for part in parts:
                    if not part.alone:
                        group.create_task(one(part))
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None


def _infra(promises: Promises, part: Part, detail: str) -> None:
    promises.undecided(
        f"{part.group}.checked",
        part.service.name,
        f"the {part.group} of {part.service.name} are checked",
        detail=detail,
        infra=True,
        fix="is the service up? `windtunnel status`",
    )
