"""A token that says of itself that it is not signed is believed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from joserfc import jws

from reference_agents.flaws.replacing import as_kind
from reference_agents.security.verifier import Verifier


@dataclass
class Credulous(Verifier):
    async def decode(self, token: str) -> dict[str, Any]:
        found = jws.extract_compact(token.encode())
        if str(found.headers().get("alg", "")).lower() == "none":
            return dict(json.loads(found.payload or b"{}"))
        return await super().decode(token)


def apply_verifier(verifier: Verifier) -> Verifier:
    """Replace the verifier."""
    return as_kind(Credulous, verifier)
