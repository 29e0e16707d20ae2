"""Nobody is asked who they are."""

from __future__ import annotations

from dataclasses import dataclass

from reference_agents.flaws.replacing import as_kind
from reference_agents.security.verifier import Verifier


@dataclass
class Trusting(Verifier):
    async def caller(self, authorization: str | None) -> str:
        return next(iter(sorted(self.callers)), "anybody")


def apply_verifier(verifier: Verifier) -> Verifier:
    """Replace the verifier."""
    return as_kind(Trusting, verifier)
