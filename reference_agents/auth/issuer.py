"""Who may have a token, and for what."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joserfc import jwt

from reference_agents.auth.keys import KeyRing
from reference_agents.common.clock import Clock

ANY = "*"


class Denied(Exception):
    """No token, with the error code of RFC 6749, 5.2."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code, self.detail = code, detail


def secrets_of(folder: Path) -> dict[str, str]:
    """Each client's secret: the file in `folder` that bears its name. Raises OSError."""
    files = (file for file in folder.iterdir() if file.is_file() and not file.name.startswith("."))
    return {file.name: file.read_text().strip() for file in files}


@dataclass
class Issuer:
    """Issues tokens of at most `life_s` seconds to `clients` (id to secret) for the audiences of their `grants`."""

    name: str
    ring: KeyRing
    clients: Mapping[str, str]
    grants: Mapping[str, frozenset[str]]
    clock: Clock
    life_s: int = 900

    def known(self, client: str, secret: str) -> bool:
        """Is this the client's secret? Takes as long for one that does not exist."""
        held = self.clients.get(client, "")
        return hmac.compare_digest(held.encode(), secret.encode()) and bool(held)

    def token(self, client: str, secret: str, audiences: Sequence[str], life_s: int | None = None) -> dict[str, Any]:
        """The answer of RFC 6749, 5.1, with a JWT for `audiences`; it lives for `life_s` if that is shorter.

        Raises Denied: invalid_client, invalid_target (RFC 8707) for an audience that is not granted.
        """
        if not self.known(client, secret):
            raise Denied("invalid_client", "the client is unknown, or its secret is another")
        granted = self.grants.get(client, frozenset())
        wanted = sorted(set(audiences))
        if not wanted:
            raise Denied("invalid_target", "say for which audience")
        refused = [audience for audience in wanted if audience not in granted and ANY not in granted]
        if refused:
            raise Denied("invalid_target", f"not granted: {', '.join(refused)}")
        life = min(self.life_s, max(1, life_s or self.life_s))
        now, key = int(self.clock.epoch()), self.ring.signing()
        claims = {
            "iss": self.name,
            "sub": client,
            "aud": wanted,
            "iat": now,
            "nbf": now,
            "exp": now + life,
            "jti": secrets.token_hex(8),
        }
        text = jwt.encode({"alg": "RS256", "typ": "at+jwt", "kid": key.kid}, claims, key)
        return {"access_token": text, "token_type": "Bearer", "expires_in": life}
