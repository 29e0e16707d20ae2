"""Breaks edges for the length of a scenario: proven by their counters, and undone whatever happens."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import threading
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Protocol

import httpx

from harness.core.errors import InfraError, UndoError
from harness.evidence.recorder import Recorder
from harness.faults.blast_radius import BlastRadius
from harness.faults.fault import Site
from harness.faults.injector import Injector
from harness.faults.lease import Lease
from harness.faults.undo_log import UndoLog
from harness.scenarios.model import EdgeFault
from harness.targets.suite import SuiteContext

STATE = ".windtunnel"


class Hands(Protocol):
    """Breaks more while a scenario is played."""

    async def strike(self, kind: str, params: Mapping[str, Any], for_s: float | None) -> None:
        """Put a fault in and see that it is there; take it back after `for_s` seconds, or at the end.

        Raises ConfigError for parameters that are wrong, InfraError when its witness did not see it.
        """


class Edges(Protocol):
    """What scenarios ask of the place where edges and workloads can be broken."""

    def broken(self, faults: Sequence[EdgeFault], scope: str) -> AbstractAsyncContextManager[Hands]:
        """While the context is open the edges are faulty; everything is whole again afterwards, come what may.

        Raises InfraError on leaving when a fault never struck: then the scenario showed nothing.
        """


class _Hands:
    """Strikes through an injector, whose calls block."""

    def __init__(self, injector: Injector) -> None:
        self._injector = injector

    async def strike(self, kind: str, params: Mapping[str, Any], for_s: float | None) -> None:
        active = await asyncio.to_thread(self._injector.inject, kind, params)
        seen = await asyncio.to_thread(self._injector.witness, active)
        if not seen.seen:
            raise InfraError(f"{kind} was not seen by its witness: {seen.detail}")
        if for_s is not None:
            await asyncio.sleep(for_s)
            if not await asyncio.to_thread(self._injector.undo, active):
                raise UndoError(f"{kind} could not be taken back", hint="windtunnel heal")


class ClusterEdges:
    """The edges of the local cluster, through the injector: undo on disk first, a watchdog beside."""

    def __init__(self, context: SuiteContext) -> None:
        self._context = context
        self._state: Path = context.config.path(STATE)
        self._numbers = itertools.count(1)

    @contextlib.asynccontextmanager
    async def broken(self, faults: Sequence[EdgeFault], scope: str) -> AsyncIterator[Hands]:
        ended = threading.Event()
        with contextlib.ExitStack() as stack:
            http = stack.enter_context(httpx.Client(timeout=10, trust_env=False))
            stack.enter_context(Lease(self._state))
            injector = self._injector(http, ended, scope, self._context.recorder)
            try:
                active = [await asyncio.to_thread(injector.inject, "edge_fault", _params(f)) for f in faults]
                yield _Hands(injector)
                ended.set()  # all the traffic there will be has passed: no witness needs to wait
                seen = [await asyncio.to_thread(injector.witness, one) for one in active]
            finally:
                ended.set()
                # Not in a thread: a cancelled suite must not leave before the edges are whole.
                if not injector.undo_all():
                    raise UndoError(f"{scope}: an edge is still broken", hint="windtunnel heal")
        unseen = [one for one in seen if not one.seen]
        if unseen:
            raise InfraError(f"{scope}: a faulty edge never struck ({unseen[0].detail})")

    def _injector(self, http: httpx.Client, ended: threading.Event, scope: str, recorder: Recorder) -> Injector:
        site = Site(
            target=self._context.target,
            http=http,
            clock=self._context.clock,
            pause=ended.wait,
            rng=self._context.seed.derive("edges", scope).rng(),
            state_file=self._context.target.cluster_state or "",
        )
        run = self._context.run_dir.name
        return Injector(
            site,
            UndoLog(self._state),
            recorder,
            BlastRadius.of(self._context.config),
            scope=scope,
            suite="scenarios",
            ids=lambda kind: f"{run}-{scope}-{next(self._numbers)}-{kind}",
        )


def _params(fault: EdgeFault) -> dict[str, Any]:
    params: dict[str, Any] = {"source": fault.from_, "service": fault.to}
    if fault.delay_s is not None:
        return {**params, "edge": "delay", "delay_ms": fault.delay_s * 1000}
    if fault.status is not None:
        return {**params, "edge": "http", "status": fault.status, "times": fault.first}
    return {**params, "edge": "cut" if fault.lose_answers else "refuse"}
