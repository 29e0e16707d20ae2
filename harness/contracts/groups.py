"""The groups of checks, each with what a service must declare for it to run."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import httpx
from pydantic import JsonValue

from harness.contracts import baseline
from harness.contracts.http.auth import AuthMatrix, Grants
from harness.contracts.http.conformance import Conformance
from harness.contracts.http.conformance_job import Job
from harness.contracts.http.dependencies import Readiness
from harness.contracts.http.door import TaskDoor
from harness.contracts.http.events import Events
from harness.contracts.http.exchange import Caller
from harness.contracts.http.exposition import Exposition
from harness.contracts.http.idempotency import Idempotency
from harness.contracts.http.lifecycle import Lifecycle
from harness.contracts.http.limits import Limits
from harness.contracts.http.probes import Probes
from harness.contracts.promises import SUITE, Promises
from harness.contracts.queue.delivery import Delivery
from harness.contracts.queue.door import QueueDoor
from harness.contracts.queue.poison import Poison
from harness.contracts.tools.calls import Ledgers, ToolCalls
from harness.contracts.tools.registry import ToolList
from harness.core.config import Config
from harness.core.errors import InfraError
from harness.faults.hands import hands
from harness.targets import credentials
from harness.targets.queue import queue_client
from harness.targets.suite import SuiteContext
from harness.targets.target import LiveService, Target

LLM_SESSION = "contracts"
QUICK_EXAMPLES = 4
WORKERS = 2


class Session:
    """What the groups share during one run of the suite."""

    def __init__(self, http: httpx.AsyncClient, context: SuiteContext) -> None:
        self.http = http
        self.context = context
        self.seed = context.seed.derive("contracts")
        # Task ids, keys and sessions of one run never meet those of another.
        self.unique = f"{context.seed.number():x}"[:6] + f"-{int(context.clock.wall().timestamp() * 1000):x}"
        self.workers = asyncio.Semaphore(WORKERS)
        self.mark = {"baggage": f"mock.session={LLM_SESSION}"}

    @property
    def examples(self) -> int:
        """How many examples a generator makes for each operation or tool."""
        most = self.context.config.suites.contracts.max_examples
        return min(most, QUICK_EXAMPLES) if self.context.quick else most

    def caller(self, service: LiveService, *, anonymous: bool = False) -> Caller:
        """A client of `service`, with the target's headers unless `anonymous`."""
        headers = {} if anonymous else self.context.target.headers
        return Caller(self.http, service.url, headers, {} if anonymous else self.mark)

    async def reachable(self, service: LiveService) -> str:
        """Why nothing at all answers at the address of `service`, or an empty string."""
        answer = await self.caller(service).send("GET", service.spec.health or "/", timeout_s=5)
        return "" if answer.reached else f"nothing answers at {service.url}: {answer.error}"

    async def description(self, service: LiveService) -> JsonValue:
        """The OpenAPI description of `service`, or None where none is declared."""
        for contract in baseline.contracts(self.context.config, self.context.target, (service.name,)):
            if contract.kind == "openapi":
                return await baseline.fetch(self.http, self.context.target, contract)
        return None


@dataclass(frozen=True)
class Group:
    """`declared` tells from windtunnel.toml whether a service promises this at all; `quick`: a first look has it."""

    declared: Callable[[Config, Target, LiveService], bool]
    check: Callable[[Session, LiveService, Promises], Awaitable[None]]
    alone: bool = True
    quick: bool = True


async def probes(session: Session, service: LiveService, promises: Promises) -> None:
    anonymous = session.caller(service, anonymous=True)
    await Probes(anonymous, promises, service.spec).check()


async def dependencies(session: Session, service: LiveService, promises: Promises) -> None:
    context = session.context
    async with hands(context, promises.scope, SUITE) as held:
        pods = await held.pods(service.name)
        if not pods:
            raise InfraError(f"{service.name} has no ready pod that could be asked")
        at = [Caller(session.http, url, {}, {}) for url in pods]
        await Readiness(at, service.name, service.spec, promises, context.clock).check(held)


async def metrics(session: Session, service: LiveService, promises: Promises) -> None:
    await Exposition(session.caller(service), promises).check(
        service.spec.metrics or "/metrics", service.spec.metrics_required
    )


async def tools(session: Session, service: LiveService, promises: Promises) -> None:
    caller = session.caller(service)
    definitions = await ToolList(caller, promises).check(service.spec.tools or "/tools")
    target = session.context.target
    ledgers = Ledgers(
        session.http,
        {one.name: one.url + one.spec.ledger for one in target.services.values() if one.spec.ledger},
        target.headers,
    )
    calls = ToolCalls(
        caller,
        promises,
        service.spec,
        ledgers,
        session.seed.derive("tools"),
        session.examples,
        session.unique,
    )
    for tool in definitions:
        session.context.progress.step(f"contracts: {service.name}: {tool.label}")
        await calls.check(tool)


async def compatibility(session: Session, service: LiveService, promises: Promises) -> None:
    context = session.context
    for contract in baseline.contracts(context.config, context.target, (service.name,)):
        live = await baseline.fetch(session.http, context.target, contract)
        baseline.judge(baseline.compare(contract, live), promises)


async def tasks(session: Session, service: LiveService, promises: Promises) -> None:
    api = service.spec.tasks
    assert api is not None
    caller = session.caller(service)
    door = TaskDoor(caller, api, clock=session.context.clock, session=f"contracts-{session.unique}-{service.name}")
    quick = session.context.quick
    await Lifecycle(door, caller, promises, session.unique, 15 if quick else 30).check()
    await Idempotency(door, promises, session.unique).check()
    if api.events is not None:
        headers = {**session.context.target.headers, **session.mark}
        watch = Events(door, session.http, service.url, headers, promises, session.unique, 15 if quick else 30)
        await watch.check(api.events)
    else:
        promises.not_applicable("events: no `events` route is declared")
    try:
        description = await session.description(service)
    except InfraError as error:
        promises.not_applicable(f"declared bounds: {error.message}")
        description = None
    await Limits(door, caller, promises, session.unique, quick).check(description)


async def queue(session: Session, service: LiveService, promises: Promises) -> None:
    context = session.context
    async with queue_client(service, context.target, session.http, context.clock, context.config.root) as client:
        unique, seed = f"{session.unique}-{service.name}", session.seed.derive(service.name)
        door = QueueDoor(client, unique, seed, session.mark, 20 if context.quick else 40)
        if await Delivery(door, promises).check():
            await Poison(door, promises).check()


async def openapi(session: Session, service: LiveService, promises: Promises) -> None:
    description = await session.description(service)
    if not isinstance(description, dict):
        raise InfraError(f"the OpenAPI description of {service.name} is no object")
    context = session.context
    job = Job(
        url=service.url,
        description=description,
        secret=dict(context.target.headers),
        mark=session.mark,
        idempotency_header=service.spec.tasks.idempotency_header if service.spec.tasks else "Idempotency-Key",
        unique=f"{session.unique}-{service.name}",
        max_examples=session.examples,
        seed=session.seed.derive(service.name).number() % 2**31,
        stateful=not context.quick,
    )
    async with session.workers:
        timeout_s = 60.0 if context.quick else 180.0
        await Conformance(service.name, promises, context.progress, timeout_s).check(job)


def grants_of(session: Session) -> Grants | None:
    """Where more tokens are to be had, if the target has a token service."""
    config, target = session.context.config, session.context.target
    how = config.target.auth
    if how.kind != "client_credentials":
        return None
    return Grants(
        session.http,
        credentials.token_url(how, target),
        how,
        credentials.secret(config, how.client_secret_env, how.client_secret_file, "client_secret"),
        credentials.secret(config, how.stranger_secret_env, how.stranger_secret_file, "stranger_secret")
        if how.stranger_id
        else "",
    )


async def auth(session: Session, service: LiveService, promises: Promises) -> None:
    target = session.context.target
    await AuthMatrix(
        lambda headers: Caller(session.http, service.url, headers, session.mark),
        promises,
        _guarded(service) or "",
        target.headers.get("authorization", "").removeprefix("Bearer "),
        service.spec.audience,
        grants_of(session),
    ).check()


async def grpc(session: Session, service: LiveService, promises: Promises) -> None:
    # The C core prints notes about forks of ours (a conformance worker, a fault) into the user's terminal.
    os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    try:
        import grpc.aio

        from harness.contracts.grpc.caller import GrpcCaller, named
        from harness.contracts.grpc.standard import check_standard
    except ImportError as error:
        raise InfraError(f"{service.name}: {error}", hint="pip install 'agent-windtunnel[contracts]'") from None
    api, target = service.spec.grpc, session.context.target
    assert api is not None
    method = api.guarded or ""
    async with grpc.aio.insecure_channel(service.grpc) as channel:
        await check_standard(channel, method, promises)
        if session.context.config.target.auth.kind == "none" or not method:
            promises.not_applicable("tokens over gRPC: no [target.auth], or no `guarded` method")
            return
        await AuthMatrix(
            lambda headers: GrpcCaller(channel, service.grpc, headers),
            promises,
            f"GRPC {method}",
            target.headers.get("authorization", "").removeprefix("Bearer "),
            service.spec.audience,
            grants_of(session),
            named=named,
            challenged=False,
        ).check()


def _guarded(service: LiveService) -> str | None:
    """A route that reads only and asks for a token."""
    spec = service.spec
    listed = next((f"GET {path}" for path in (spec.tools, spec.ledger) if path), None)
    return spec.guarded or listed or (spec.tasks.status if spec.tasks else None)


def _cut_off(config: Config, target: Target, service: LiveService) -> bool:
    """True where the service names what it needs, and the harness can cut it off."""
    return bool(target.cluster_state) and service.spec.ready is not None and bool(service.spec.depends_on)


def _agreed(config: Config, target: Target, service: LiveService) -> bool:
    """True when a baseline exists, or windtunnel.toml says that one should."""
    named = service.spec.openapi_baseline or service.spec.tools_baseline
    rows = baseline.contracts(config, target, (service.name,))
    return bool(named) or any(row.baseline.is_file() for row in rows)


GROUPS: dict[str, Group] = {
    "tools": Group(lambda _c, _t, service: service.spec.tools is not None, tools),
    "auth": Group(
        lambda config, _t, service: config.target.auth.kind != "none" and _guarded(service) is not None,
        auth,
        alone=False,
    ),
    "grpc": Group(lambda _c, _t, service: service.spec.grpc is not None, grpc, alone=False),
    "probes": Group(lambda _c, _t, service: service.spec.health is not None or service.spec.ready is not None, probes),
    "dependencies": Group(_cut_off, dependencies, quick=False),
    "metrics": Group(lambda _c, _t, service: service.spec.metrics is not None, metrics),
    "baseline": Group(_agreed, compatibility),
    "tasks": Group(lambda _c, _t, service: service.spec.tasks is not None, tasks, alone=False),
    "queue": Group(lambda _c, _t, service: service.spec.queue is not None, queue, alone=False),
    "openapi": Group(lambda _c, _t, service: service.spec.openapi is not None, openapi, alone=False),
}
