"""An issuer with a clock of its own, and a verifier that reads its keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from reference_agents.auth.issuer import Issuer
from reference_agents.auth.keys import KeyRing
from reference_agents.security.verifier import Jwks, Verifier


@dataclass
class HandClock:
    now: float = 1_800_000_000.0

    def monotonic(self) -> float:
        return self.now

    def epoch(self) -> float:
        return self.now


@dataclass
class Desk:
    """Both sides of a token."""

    clock: HandClock
    issuer: Issuer
    verifier: Verifier
    fetched: int = 0

    def token(self, client: str = "orchestrator", audience: str = "agent-search", life_s: int | None = None) -> str:
        return str(self.issuer.token(client, f"{client}-secret", [audience], life_s)["access_token"])


@pytest.fixture
def desk() -> Desk:
    return new_desk()


def new_desk() -> Desk:
    """An issuer with three clients, and a verifier of agent-search that the orchestrator may call."""
    clock = HandClock()
    grants = {
        "orchestrator": frozenset({"agent-search", "agent-code"}),
        "stranger": frozenset({"*"}),
        "windtunnel": frozenset({"*", "keys"}),
    }
    issuer = Issuer("here", KeyRing(clock, 900), {name: f"{name}-secret" for name in grants}, grants, clock)
    made: Desk

    async def fetch() -> dict[str, Any]:
        made.fetched += 1
        return issuer.ring.jwks()

    verifier = Verifier("here", "agent-search", frozenset({"orchestrator"}), Jwks(fetch, clock), clock)
    made = Desk(clock, issuer, verifier)
    return made
