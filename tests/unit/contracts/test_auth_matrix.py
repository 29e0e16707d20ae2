"""The matrix of credentials, against a real guard: green on a healthy one, red on each that is known to be bad."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from harness.contracts.http.auth import AuthMatrix, Grants
from harness.contracts.http.exchange import Caller
from harness.contracts.promises import Promises
from harness.core.config import Auth
from harness.core.events import Check
from reference_agents.auth.issuer import Denied
from reference_agents.common import problem
from reference_agents.flaws import with_flaw
from reference_agents.security.guard import Guard
from reference_agents.security.limits import RateLimit
from tests.unit.reference_agents.security.conftest import Desk, new_desk

AUTH = Auth(
    kind="client_credentials",
    client_id="windtunnel",
    audience=("agent-search", "agent-code"),
    expiry_param="expires_in",
    leeway_s=2,
    stranger_id="stranger",
)
EVERY = {
    "good", "absent", "challenge", "garbage", "alg_none", "another_key", "hs256", "other_claims", "wrong_audience",
    "stranger", "expired",
}  # fmt: skip


@dataclass(frozen=True)
class Kept(Promises):
    """Remembers what was recorded."""

    checks: tuple[list[Check], list[str]] = ([], [])

    def emit(self, check: Check) -> None:
        self.checks[0].append(check)

    def not_applicable(self, text: str) -> None:
        self.checks[1].append(text)


def token_service(desk: Desk) -> httpx.MockTransport:
    def answer(request: httpx.Request) -> httpx.Response:
        form: dict[str, list[str]] = parse_qs(request.content.decode())
        life = int(form["expires_in"][0]) if "expires_in" in form else None
        try:
            given = desk.issuer.token(form["client_id"][0], form["client_secret"][0], form["audience"], life)
        except Denied:
            return httpx.Response(400)
        return httpx.Response(200, json=given)

    return httpx.MockTransport(answer)


async def judged(flaw: str = "", *, callers: frozenset[str] = frozenset({"windtunnel"})) -> Kept:
    desk = new_desk()
    desk.verifier.callers = callers

    async def nothing_here(scope: Scope, receive: Receive, send: Send) -> None:
        await problem.response(404, "there is no such task")(scope, receive, send)

    verifier = with_flaw(desk.verifier, flaw, "apply_verifier")
    app: Any = Guard(nothing_here, verifier, RateLimit(desk.clock, 0, {}))
    promises = Kept(None, "x/auth", ([], []))  # type: ignore[arg-type]

    async def sleep(seconds: float) -> None:
        desk.clock.now += seconds

    async with (
        httpx.AsyncClient(transport=httpx.ASGITransport(app)) as http,
        httpx.AsyncClient(transport=token_service(desk)) as tokens,
    ):
        grants = Grants(tokens, "http://auth/token", AUTH, "windtunnel-secret", "stranger-secret")
        await AuthMatrix(
            lambda headers: Caller(http, "http://agent", headers, {}),
            promises,
            "GET /tasks/{id}",
            await grants.token(AUTH.audience),
            "agent-search",
            grants,
            sleep,
        ).check()
    return promises


def failed(promises: Kept) -> set[str]:
    return {check.check.removeprefix("auth.") for check in promises.checks[0] if check.outcome == "fail"}


async def test_a_healthy_guard_keeps_every_promise() -> None:
    promises = await judged()
    assert {check.check.removeprefix("auth.") for check in promises.checks[0]} == EVERY
    assert {check.outcome for check in promises.checks[0]} == {"pass"}
    assert promises.checks[1] == []


@pytest.mark.parametrize(
    ("flaw", "red"),
    [
        ("no_auth", EVERY - {"good", "challenge"}),
        ("accepts_expired", {"expired"}),
        ("accepts_alg_none", {"alg_none"}),
        ("wrong_audience_accepted", {"wrong_audience"}),
    ],
)
async def test_each_flaw_is_red_and_only_where_it_is_wrong(flaw: str, red: set[str]) -> None:
    assert failed(await judged(flaw)) == red


async def test_no_access_list_is_red() -> None:
    assert failed(await judged(callers=frozenset({"windtunnel", "stranger"}))) == {"stranger"}


async def test_nothing_is_concluded_where_the_good_token_is_refused() -> None:
    promises = await judged(callers=frozenset({"somebody"}))
    assert [(check.check, check.outcome) for check in promises.checks[0]] == [("auth.good", "inconclusive")]


async def test_no_token_stands_in_the_evidence() -> None:
    for promises in (await judged("no_auth"), await judged(callers=frozenset())):
        text = "".join(check.model_dump_json() for check in promises.checks[0])
        assert "$AUTHORIZATION" in text
        assert "eyJ" not in text
