"""The target inside a test process: opened once, driven by plain calls, its faults proven and undone."""

from __future__ import annotations

import asyncio
import itertools
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import httpx
from rich.console import Console

from harness.app.commands import execute
from harness.app.judgement import Judged
from harness.app.stack import Stack, open_stack
from harness.app.verify import Request
from harness.app.workspace import Workspace, open_workspace
from harness.core.clock import Clock, RealClock
from harness.core.errors import EXIT_PASS, ConfigError, Failure
from harness.core.events import Effect, Event
from harness.core.findings import Finding
from harness.core.verdict import Verdict
from harness.evidence.collect import Collector
from harness.evidence.recorder import MemoryRecorder
from harness.faults.blast_radius import BlastRadius
from harness.faults.fault import FAULTS, Site, Witnessed
from harness.faults.injector import Injector
from harness.faults.lease import Lease
from harness.faults.undo_log import UndoLog
from harness.targets.suite import Silent
from harness.targets.target import LiveService, Target
from harness.targets.tasks import TaskClient, TaskReply

T = TypeVar("T")


class Loop:
    """An event loop in a thread of its own, for callers that have none or another one."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="windtunnel", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of `work`, awaited over there."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class AgentStack:
    """The target of a windtunnel.toml, up for as long as the `with` block lasts.

    One detached cluster is shared (`windtunnel up --detach`); without it a cluster of this process's own is started,
    so parallel test processes never meet.
    """

    def __init__(self, config: Path | None = None, clock: Clock | None = None) -> None:
        self.workspace: Workspace = open_workspace(config)
        self.clock: Clock = clock or RealClock()
        self.loop = Loop()
        self._opened: AbstractAsyncContextManager[Stack] | None = None
        self._stack: Stack | None = None

    def __enter__(self) -> AgentStack:
        opened = open_stack(self.workspace, progress=Silent(), stop=asyncio.Event(), clock=self.clock)
        try:
            self._stack = self.loop.run(opened.__aenter__())
        except BaseException:
            self.loop.close()
            raise
        self._opened = opened
        return self

    def __exit__(self, *_: object) -> None:
        try:
            if self._opened is not None:
                self.loop.run(self._opened.__aexit__(None, None, None))
        finally:
            self.loop.close()

    @property
    def target(self) -> Target:
        """The services by name, with their URLs."""
        assert self._stack is not None, "the stack is not open"
        return self._stack.target

    def url(self, service: str) -> str:
        """Where a service answers. Raises ConfigError for one that the target does not have."""
        return self.target.service(service).url

    def agent(self, name: str | None = None) -> LiveService:
        """The service `name`, or the only agent there is. Raises ConfigError."""
        if name is not None:
            return self.target.service(name)
        taking = [s for s in self.target.services.values() if s.spec.tasks is not None and s.spec.role == "agent"]
        if len(taking) != 1:
            names = ", ".join(service.name for service in taking) or "none"
            raise ConfigError(f"which agent is meant? {names} take tasks", hint="name one")
        return taking[0]


@dataclass
class Bench:
    """What one test has of the stack: a history of what it did, the effects since it began, its faults."""

    stack: AgentStack
    scope: str
    history: MemoryRecorder = field(init=False)
    earlier: list[Event] = field(default_factory=list)  # of runs of the test before this one
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    _collector: Collector | None = None
    _http: httpx.AsyncClient | None = None

    def __post_init__(self) -> None:
        self.history = MemoryRecorder(clock=self.stack.clock, writer="test")

    # -- tasks ---------------------------------------------------------------------------------------

    def submit(self, prompt: str, *, agent: str | None = None, key: str | None = None, **extra: Any) -> TaskReply:
        """Hand in a task; its id is `.task_id`."""
        return self._ask(agent, lambda c: c.submit(prompt, key=key or _unique(), session=self.scope, **extra))

    def run(self, prompt: str, *, agent: str | None = None, key: str | None = None, **extra: Any) -> TaskReply:
        """Run a task to its end in one request."""
        return self._ask(agent, lambda c: c.run(prompt, key=key or _unique(), session=self.scope, **extra))

    def wait(self, task: TaskReply | str, *, agent: str | None = None, timeout_s: float = 60.0) -> TaskReply:
        """Poll a task until it is over, or `timeout_s` seconds have passed."""
        task_id = task if isinstance(task, str) else task.task_id
        return self._ask(agent, lambda c: c.wait(task_id, timeout_s=timeout_s))

    def _ask(self, agent: str | None, work: Callable[[TaskClient], Coroutine[Any, Any, TaskReply]]) -> TaskReply:
        service = self.stack.agent(agent)

        async def asked() -> TaskReply:
            client = TaskClient(
                service,
                http=await self._client(),
                recorder=self.history,
                clock=self.stack.clock,
                suite="pytest",
                scope=self.scope,
                headers=self.stack.target.headers,
                numbers=self._numbers,
            )
            return await work(client)

        return self.stack.loop.run(asked())

    # -- effects -------------------------------------------------------------------------------------

    def effects(self) -> list[Effect]:
        """What the tools have really done since the test began, by their ledgers."""
        self.stack.loop.run(self._collect(keep=True))
        return [event.body for event in self.history.events if isinstance(event.body, Effect)]

    def repeated(self) -> dict[str, int]:
        """Effects that happened more than once, with how often: the same tool, arguments and task."""
        counts: Counter[str] = Counter()
        for effect in self.effects():
            what = effect.arguments_sha256[:12] or "arguments unknown"
            counts[f"{effect.tool} for task {effect.task_id or '?'} ({what})"] += 1
        return {name: count for name, count in counts.items() if count > 1}

    def begin(self) -> None:
        """Leave out the effects of those before."""
        self.stack.loop.run(self._collect(keep=False))

    def again(self, number: int) -> None:
        """Begin run `number` of the same test: another session, no history, no effects yet."""
        self.earlier += self.history.events
        self.history.events.clear()
        self.scope = f"{self.scope.removesuffix(f'.run{number - 1}')}.run{number}"
        self.begin()

    async def _collect(self, *, keep: bool) -> None:
        if self._collector is None:
            self._collector = Collector(await self._client(), self.history)
        for service in self.stack.target.services.values():
            if service.spec.ledger:
                url = service.url + service.spec.ledger
                await self._collector.ledger(service.name, url, suite="pytest", scope=self.scope, keep=keep)

    async def _client(self) -> httpx.AsyncClient:
        if self._http is None:
            self._http = httpx.AsyncClient(timeout=60, headers=dict(self.stack.target.headers))
        return self._http

    # -- faults --------------------------------------------------------------------------------------

    @contextmanager
    def fault(self, kind: str, **params: Any) -> Iterator[Witnessed]:
        """Break something for as long as the block lasts, witnessed before it begins and undone after it.

        Raises AssertionError where no witness saw the fault: a test on a fault that was not there proves nothing.
        """
        FAULTS.discover("harness.faults.kinds")
        target, workspace = self.stack.target, self.stack.workspace
        with ExitStack() as entered:
            http = entered.enter_context(httpx.Client(timeout=10))
            pause = threading.Event().wait
            site = Site(
                target, http, self.stack.clock, pause, Random(self.scope), state_file=target.cluster_state or ""
            )
            entered.enter_context(Lease(workspace.state))
            injector = Injector(
                site,
                UndoLog(workspace.state),
                self.history,
                BlastRadius.of(workspace.config),
                scope=self.scope,
                suite="pytest",
                ids=lambda name: f"{_unique()}-{name}",
            )
            entered.callback(injector.undo_all)
            witnessed = injector.witness(injector.inject(kind, params))
            assert witnessed.seen, f"no witness of {kind}: {witnessed.detail or dict(witnessed.measured)}"
            yield witnessed

    def close(self) -> None:
        """Give back what the test has opened."""
        if self._http is not None:
            self.stack.loop.run(self._http.aclose())

    @property
    def events(self) -> list[Event]:
        """Everything recorded so far, as checkers read it."""
        return self.history.events


def run_suite(config: Path | None, suite: str) -> Judged:
    """Run one suite and judge it. Raises Failure unless its exit code is 0, ConfigError for a user's mistake."""
    workspace = open_workspace(config)
    request = Request(suites=(suite,), command=f"pytest --windtunnel {suite}", seed=workspace.config.seed)
    judged, signals = asyncio.run(execute(workspace, request, Console()))
    if judged is None:
        raise KeyboardInterrupt(*signals)
    if judged.exit_code != EXIT_PASS:
        raise Failure(told(judged))
    return judged


def told(judged: Judged) -> str:
    """The verdict, where the report lies, and what is not PASS."""
    return f"{judged.verdict}: {judged.run.path / 'report.html'}\n\n{shown(judged.findings)}"


def shown(findings: Sequence[Finding]) -> str:
    """The findings that are not PASS, each with its evidence, its fix and how to see it again."""
    parts = []
    for finding in findings:
        if finding.verdict is Verdict.PASS:
            continue
        lines = [f"{finding.verdict} {finding.id}: {finding.title}", f"  {finding.summary}"]
        lines += [f"  | {line}" for evidence in finding.evidence[:3] for line in evidence.text.splitlines()[:10]]
        lines += [f"  {word}: {text}" for word, text in (("fix", finding.fix), ("replay", finding.replay)) if text]
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def _unique() -> str:
    return uuid.uuid4().hex
