"""Who calls? A token's signature, issuer, audience and times, and whether its subject may call this service."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from reference_agents.common.clock import Clock

ALGORITHMS = ("RS256",)
REMEMBER_S = 60.0
REMEMBERED = 1024
REFETCH_S = 5.0  # an unknown key id makes us ask for the keys again, but not more often than this
KEYS_S = 300.0


class Refusal(Exception):
    """401 or 403, with the error code of RFC 6750, 3.1 (empty where no credentials were sent)."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail = status, code, detail


class KeysUnavailable(Exception):
    """The keys cannot be fetched and none are held: nobody can be told apart from anybody."""


@dataclass
class Jwks:
    """The issuer's public keys, kept for five minutes; an unknown key id is a reason to ask earlier.

    While the issuer cannot be reached, the keys that are held go on.
    """

    fetch: Callable[[], Awaitable[dict[str, Any]]]
    clock: Clock
    _keys: KeySet | None = None
    _since: float = float("-inf")
    _tried: float = float("-inf")

    async def having(self, kid: str) -> KeySet:
        """The keys, asked for again where `kid` is not among them. Raises KeysUnavailable."""
        now = self.clock.monotonic()
        missing = self._keys is None or kid not in {key.kid for key in self._keys.keys}
        if (missing or now - self._since > KEYS_S) and (self._keys is None or now - self._tried >= REFETCH_S):
            self._tried = now
            try:
                self._keys, self._since = KeySet.import_key_set(await self.fetch()), now  # type: ignore[arg-type]
            except (httpx.HTTPError, JoseError, ValueError, KeyError) as error:
                if self._keys is None:
                    raise KeysUnavailable(type(error).__name__) from None
        if self._keys is None:
            raise KeysUnavailable("never fetched")
        return self._keys


@dataclass
class Verifier:
    """Checks tokens for one service. Tokens it found good it remembers for a minute, by their hash."""

    issuer: str
    audience: str
    callers: frozenset[str]
    keys: Jwks
    clock: Clock
    leeway_s: int = 1
    _good: dict[bytes, tuple[dict[str, Any], float]] = field(default_factory=dict)

    async def caller(self, authorization: str | None) -> str:
        """The caller that an Authorization header proves. Raises Refusal, KeysUnavailable."""
        scheme, _, token = (authorization or "").partition(" ")
        if not authorization or scheme.lower() != "bearer":
            raise Refusal(401, "", "a bearer token is needed")
        digest = hashlib.sha256(token.encode()).digest()
        now = self.clock.epoch()
        claims, until = self._good.get(digest, ({}, 0.0))
        if now >= until:
            claims = await self.claims(token)
            if len(self._good) >= REMEMBERED:
                self._good.clear()
            self._good[digest] = (claims, min(now + REMEMBER_S, float(claims["exp"]) + self.leeway_s))
        caller = str(claims["sub"])
        if not self.may(caller):
            raise Refusal(403, "insufficient_scope", f"{caller!r} may not call {self.audience}")
        return caller

    def may(self, caller: str) -> bool:
        """Is the caller on this service's list?"""
        return caller in self.callers

    async def claims(self, token: str) -> dict[str, Any]:
        """The claims of a token that is good in every respect. Raises Refusal, KeysUnavailable."""
        try:
            decoded = await self.decode(token)
            self.check(decoded)
        except (JoseError, ValueError, TypeError) as error:
            raise Refusal(401, "invalid_token", f"the token is no good: {type(error).__name__}") from None
        return decoded

    async def decode(self, token: str) -> dict[str, Any]:
        """The claims under a signature of the issuer's. Only RS256: neither `none` nor a MAC keyed with the public
        key is looked at, whatever the token's own header asks for. Raises JoseError, ValueError."""
        header = jws.extract_compact(token.encode()).headers()
        if header.get("alg") not in ALGORITHMS:
            raise ValueError("algorithm")
        keys = await self.keys.having(str(header.get("kid", "")))
        return dict(jwt.decode(token, keys, algorithms=list(ALGORITHMS)).claims)

    def check(self, claims: dict[str, Any]) -> None:
        """Issuer, audience, times, subject. Raises JoseError, ValueError."""
        audience = claims.get("aud")
        if self.audience not in (audience if isinstance(audience, list) else [audience]):
            raise ValueError("audience")
        jwt.JWTClaimsRegistry(
            now=lambda: int(self.clock.epoch()),
            leeway=self.leeway_s,
            iss={"essential": True, "value": self.issuer},
            exp={"essential": True},
            sub={"essential": True},
        ).validate(claims)
