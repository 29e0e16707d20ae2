"""What scenarios ask of the place where edges can be broken."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from harness.scenarios.model import EdgeFault


class Edges(Protocol):
    """Breaks edges between services for a while."""

    def broken(self, faults: tuple[EdgeFault, ...], scope: str) -> AbstractAsyncContextManager[None]:
        """While the context is open the edges are faulty; they are whole again afterwards, come what may."""
