"""A token for any other service is as good as one for this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from reference_agents.flaws.replacing import as_kind
from reference_agents.security.verifier import Verifier


@dataclass
class AnyAudience(Verifier):
    def check(self, claims: dict[str, Any]) -> None:
        super().check({**claims, "aud": self.audience})


def apply_verifier(verifier: Verifier) -> Verifier:
    """Replace the verifier."""
    return as_kind(AnyAudience, verifier)
