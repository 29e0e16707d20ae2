"""Who is let in: the matrix of credentials that a guarded service must tell apart."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

import httpx

from harness.contracts.http.exchange import Exchange
from harness.contracts.http.forgery import forgeries
from harness.contracts.promises import Promises
from harness.core.config import Auth

FIX = "check signature (with the algorithms that you issue, no others), issuer, audience and times before anything else"


@dataclass(frozen=True)
class Grants:
    """Asks the target's token service for more tokens. `secret` and `stranger_secret` are those of `auth`'s clients."""

    http: httpx.AsyncClient
    url: str
    auth: Auth
    secret: str
    stranger_secret: str = ""

    async def token(self, audiences: tuple[str, ...], *, life_s: int | None = None, stranger: bool = False) -> str:
        """A token; empty where the token service gives none."""
        form: dict[str, str | list[str]] = {
            "grant_type": "client_credentials",
            "client_id": (self.auth.stranger_id if stranger else self.auth.client_id) or "",
            "client_secret": self.stranger_secret if stranger else self.secret,
            "audience": list(audiences),
        }
        if life_s is not None and self.auth.expiry_param:
            form[self.auth.expiry_param] = str(life_s)
        try:
            answer = await self.http.post(self.url, data=form, timeout=10)
            return str(answer.json()["access_token"]) if answer.status_code == 200 else ""
        except (httpx.HTTPError, ValueError, KeyError, TypeError):
            return ""


class Sends(Protocol):
    """Whatever can ask: over HTTP, or over gRPC with its statuses in HTTP's words."""

    async def send(self, method: str, path: str) -> Exchange: ...


@dataclass(frozen=True)
class AuthMatrix:
    """Asks one guarded route with every kind of credentials."""

    caller: Callable[[dict[str, str]], Sends]  # with these headers, which evidence never shows
    promises: Promises
    route: str
    token: str
    audience: str | None = None  # this service's, where windtunnel.toml says it
    grants: Grants | None = None
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    named: Callable[[int], str] = str  # a status as the protocol says it
    challenged: bool = True  # a 401 has to say how to come in, as HTTP wants it

    async def check(self) -> None:
        """Record a check for each kind; nothing is learnt where the good token is refused too."""
        good = await self._ask(self.token)
        if good.code is None or good.code in (401, 403, 429) or good.code >= 500:
            self.promises.undecided(
                "auth.good", self.route, "a good token is let in", payload=good.payload(),
                detail=f"the harness's own token got {good.outcome}, so a refusal of another proves nothing",
                fix="check [target.auth]: is its client on this service's list, its audience this service's?",
            )  # fmt: skip
            return
        self.promises.kept("auth.good", self.route, "a good token is let in", detail=good.outcome)
        absent = await self._ask(None)
        self._refused("absent", absent, (401,))
        if absent.code == 401 and self.challenged:
            self.promises.judge(
                "www-authenticate" in absent.answer_headers, "auth.challenge", self.route,
                "a 401 says how to come in", detail="WWW-Authenticate (RFC 9110, 15.5.2)", payload=absent.payload(),
                replay=absent.curl(), fix="send WWW-Authenticate: Bearer with every 401",
            )  # fmt: skip
        self._refused("garbage", await self._ask("windtunnel.is.no-token"), (401,))
        forged = forgeries(self.token)
        for kind, token in forged.items():
            self._refused(kind.replace(" ", "_").lower(), await self._ask(token), (401,))
        if not forged:
            self.promises.not_applicable("forged tokens: the harness's token is no JWT")
        await self._granted()

    async def _granted(self) -> None:
        if self.grants is None:
            self.promises.not_applicable(
                "expired and foreign tokens: only a token service (client_credentials) has them"
            )
            return
        auth = self.grants.auth
        others = tuple(name for name in auth.audience if name != self.audience)
        if self.audience and others and (token := await self.grants.token(others)):
            self._refused("wrong_audience", await self._ask(token), (401, 403))
        else:
            self.promises.not_applicable("a token for another service: no audience of its own, or none granted")
        mine = (self.audience,) if self.audience else auth.audience
        if auth.stranger_id and (token := await self.grants.token(mine, stranger=True)):
            self._refused("stranger", await self._ask(token), (403,))
        else:
            self.promises.not_applicable("a caller that is not on the list: no [target.auth] stranger_id, or no token")
        if auth.expiry_param and (token := await self.grants.token(mine, life_s=1)):
            await self.sleep(2.0 + auth.leeway_s)
            self._refused("expired", await self._ask(token), (401,))
        else:
            self.promises.not_applicable("an expired token: no [target.auth] expiry_param, or no token")

    async def _ask(self, token: str | None) -> Exchange:
        method, _, path = self.route.partition(" ")
        headers = {"authorization": f"Bearer {token}"} if token is not None else {}
        return await self.caller(headers).send(method, path.replace("{id}", "windtunnel-no-such-task"))

    def _refused(self, kind: str, answer: Exchange, codes: tuple[int, ...]) -> None:
        said = " or ".join(map(self.named, codes))
        title = f"{kind.replace('_', ' ')}: credentials that are refused with {said}"
        if answer.code is None:
            self.promises.undecided(f"auth.{kind}", self.route, title, detail=answer.outcome, infra=not answer.reached)
            return
        self.promises.judge(
            answer.code in codes, f"auth.{kind}", self.route, title,
            detail=f"got {answer.outcome}, {said} was due", payload=answer.payload(), fix=FIX,
        )  # fmt: skip
