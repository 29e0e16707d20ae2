"""Faults for code that awaits: injected, seen and taken back in threads, and all taken back in any case."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, TypeVar

import httpx

from harness.core.errors import InfraError, UndoError
from harness.faults.blast_radius import BlastRadius
from harness.faults.edges import Edges
from harness.faults.fault import Site, Witnessed
from harness.faults.injector import ActiveFault, Injector
from harness.faults.lease import Lease
from harness.faults.undo_log import UndoLog
from harness.targets.suite import SuiteContext

STATE = ".windtunnel"
T = TypeVar("T")
_numbers = itertools.count(1)  # of this process: ids must be unique in the state folder


class Hands:
    """Puts faults in and takes them back, through an injector whose calls block."""

    def __init__(self, injector: Injector, site: Site, ended: threading.Event) -> None:
        self._injector, self._site, self._ended = injector, site, ended

    async def pods(self, workload: str) -> list[str]:
        """Where each ready pod of `workload` answers, past any Service: URLs of first ports. Raises InfraError."""
        rows = await self._whole(Edges.of(self._site).pods, workload)
        return [
            f"http://127.0.0.1:{next(iter(row['ports'].values()))}" for row in rows if row["ready"] and row["ports"]
        ]

    async def inject(self, kind: str, params: Mapping[str, Any]) -> ActiveFault:
        """Put a fault in. Raises ConfigError for wrong parameters, InfraError when it did not work."""
        return await self._whole(self._injector.inject, kind, params)

    async def witness(self, active: ActiveFault) -> Witnessed:
        """Measure that it is there."""
        return await self._whole(self._injector.witness, active)

    async def undo(self, active: ActiveFault) -> None:
        """Take it back. Raises UndoError."""
        if not await self._whole(self._injector.undo, active):
            raise UndoError(f"{active.injection.kind} could not be taken back", hint="windtunnel heal")

    async def strike(self, kind: str, params: Mapping[str, Any], for_s: float | None) -> None:
        """Put a fault in and see that it is there; take it back after `for_s` seconds, or at the end.

        Raises ConfigError for parameters that are wrong, InfraError when its witness did not see it.
        """
        active = await self.inject(kind, params)
        seen = await self.witness(active)
        if not seen.seen:
            raise InfraError(f"{kind} was not seen by its witness: {seen.detail}")
        if for_s is not None:
            await asyncio.sleep(for_s)
            await self.undo(active)

    async def _whole(self, work: Callable[..., T], *args: Any) -> T:
        """What `work` returns. It is waited for also when the caller is cancelled: nobody can stop a thread, and a
        fault that got in after everything was taken back would stay."""
        task = asyncio.ensure_future(asyncio.to_thread(work, *args))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            self._ended.set()  # a witness waits no longer
            while not task.done():
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.wait({task})
            if not task.cancelled():
                task.exception()  # it was looked at: the caller hears of the cancellation alone
            raise

    def traffic_is_over(self) -> None:
        """All the traffic there will be has passed: no witness needs to wait for more."""
        self._ended.set()


@contextlib.asynccontextmanager
async def hands(context: SuiteContext, scope: str, suite: str) -> AsyncIterator[Hands]:
    """Hands on the target of `context`; undo is on disk before anything is touched, and nothing stays broken.

    Raises InfraError when somebody else has the lease, UndoError when something could not be taken back.
    """
    state = context.config.path(STATE)
    ended = threading.Event()
    with contextlib.ExitStack() as stack:
        http = stack.enter_context(httpx.Client(timeout=10, trust_env=False))
        stack.enter_context(Lease(state))
        site = Site(
            target=context.target,
            http=http,
            clock=context.clock,
            pause=ended.wait,
            rng=context.seed.derive("faults", suite, scope).rng(),
            state_file=context.target.cluster_state or "",
        )
        injector = Injector(
            site,
            UndoLog(state),
            context.recorder,
            BlastRadius.of(context.config),
            scope=scope,
            suite=suite,
            ids=lambda kind: f"{context.run_dir.name}-{scope.replace('/', '-')}-{next(_numbers)}-{kind}",
        )
        try:
            yield Hands(injector, site, ended)
        finally:
            ended.set()
            # Not in a thread: a cancelled suite must not leave before everything is whole.
            if not injector.undo_all():
                raise UndoError(f"{scope}: something is still broken", hint="windtunnel heal")
