"""Breaks edges for the length of a scenario: proven by their counters, and undone whatever happens."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from harness.core.errors import InfraError
from harness.faults.hands import Hands, hands
from harness.scenarios.model import EdgeFault
from harness.targets.suite import SuiteContext


class Edges(Protocol):
    """What scenarios ask of the place where edges and workloads can be broken."""

    def broken(self, faults: Sequence[EdgeFault], scope: str) -> AbstractAsyncContextManager[Hands]:
        """While the context is open the edges are faulty; everything is whole again afterwards, come what may.

        Raises InfraError on leaving when a fault never struck: then the scenario showed nothing.
        """


class ClusterEdges:
    """The edges of the local cluster, through the injector: undo on disk first, a watchdog beside."""

    def __init__(self, context: SuiteContext) -> None:
        self._context = context

    @contextlib.asynccontextmanager
    async def broken(self, faults: Sequence[EdgeFault], scope: str) -> AsyncIterator[Hands]:
        async with hands(self._context, scope, "scenarios") as held:
            active = [await held.inject("edge_fault", _params(fault)) for fault in faults]
            yield held
            held.traffic_is_over()
            seen = [await held.witness(one) for one in active]
        unseen = [one for one in seen if not one.seen]
        if unseen:
            raise InfraError(f"{scope}: a faulty edge never struck ({unseen[0].detail})")


def _params(fault: EdgeFault) -> dict[str, Any]:
    params: dict[str, Any] = {"source": fault.from_, "service": fault.to}
    if fault.delay_s is not None:
        return {**params, "edge": "delay", "delay_ms": fault.delay_s * 1000}
    if fault.status is not None:
        return {**params, "edge": "http", "status": fault.status, "times": fault.first}
    if fault.body is not None:
        return {**params, "edge": "rewrite", "body": fault.body}
    return {**params, "edge": "cut" if fault.lose_answers else "refuse"}
