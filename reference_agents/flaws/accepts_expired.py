"""The times in a token are not looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from reference_agents.flaws.replacing import as_kind
from reference_agents.security.verifier import Verifier


@dataclass
class Timeless(Verifier):
    def check(self, claims: dict[str, Any]) -> None:
        super().check({**claims, "exp": int(self.clock.epoch()) + 60})


def apply_verifier(verifier: Verifier) -> Verifier:
    """Replace the verifier."""
    return as_kind(Timeless, verifier)
