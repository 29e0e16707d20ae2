"""How a service proves to others who it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from reference_agents.common.clock import Clock

EARLY = 0.2  # a token is replaced when this share of its life is left


@dataclass(frozen=True)
class Granted:
    """A token, and the seconds it lives."""

    text: str
    life_s: float


def fetching(
    http: httpx.AsyncClient, auth_url: str, client: str, secret_file: Path
) -> Callable[[str], Awaitable[Granted]]:
    """Asks the token service for a token for an audience. The secret is read each time: it may be replaced."""

    async def fetch(audience: str) -> Granted:
        form = {"grant_type": "client_credentials", "audience": audience}
        secret = (await asyncio.to_thread(secret_file.read_text)).strip()
        answer = await http.post(f"{auth_url}/token", data=form, auth=(client, secret), timeout=3.0)
        answer.raise_for_status()
        body = answer.json()
        return Granted(str(body["access_token"]), float(body["expires_in"]))

    return fetch


@dataclass
class Tokens:
    """Tokens by audience, kept until a fifth of their life is left. Many who ask at once make one request."""

    fetch: Callable[[str], Awaitable[Granted]]
    clock: Clock
    _held: dict[str, tuple[Granted, float]] = field(default_factory=dict)
    _locks: dict[str, asyncio.Lock] = field(default_factory=dict)

    async def of(self, audience: str) -> str:
        """A token for `audience`. While the token service is away, one that is still good goes on.

        Raises httpx.HTTPError when there is none to be had.
        """
        if found := self._left(audience, EARLY):
            return found
        async with self._locks.setdefault(audience, asyncio.Lock()):
            if found := self._left(audience, EARLY):
                return found
            began = self.clock.monotonic()
            try:
                granted = await self.fetch(audience)
            except httpx.HTTPError:
                if found := self._left(audience, 0.0):
                    return found
                raise
            except (OSError, ValueError, KeyError) as error:
                raise httpx.RequestError(f"no token for {audience}: {type(error).__name__}") from None
            self._held[audience] = (granted, began)
            return granted.text

    def forget(self, audience: str, token: str) -> None:
        """It was refused: ask for another next time."""
        held = self._held.get(audience)
        if held is not None and held[0].text == token:
            del self._held[audience]

    def _left(self, audience: str, share: float) -> str:
        held = self._held.get(audience)
        if held is None:
            return ""
        granted, began = held
        return granted.text if self.clock.monotonic() < began + granted.life_s * (1 - share) else ""


@dataclass
class ServiceAuth(httpx.Auth):
    """A token on each request that names its audience (`extensions={"audience": ...}`), on no other: a provider of
    models must never see one. A token that is refused is replaced, once (the issuer's keys may have changed)."""

    tokens: Tokens

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """See httpx.Auth."""
        audience = request.extensions.get("audience")
        if not audience:
            yield request
            return
        token = await self.tokens.of(audience)
        request.headers["Authorization"] = f"Bearer {token}"
        response = yield request
        if response.status_code == 401:
            self.tokens.forget(audience, token)
            request.headers["Authorization"] = f"Bearer {await self.tokens.of(audience)}"
            yield request
