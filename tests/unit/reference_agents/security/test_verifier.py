"""Which tokens are taken, and what the others are told."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from reference_agents.auth.issuer import Denied
from reference_agents.flaws import with_flaw
from reference_agents.security.verifier import KeysUnavailable, Refusal
from tests.unit.reference_agents.security.conftest import Desk


def parts(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    head, body, _ = token.split(".")
    first, second = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in (head, body))
    return first, second


def b64(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


async def refused(desk: Desk, token: str) -> Refusal:
    with pytest.raises(Refusal) as caught:
        await desk.verifier.caller(f"Bearer {token}")
    return caught.value


async def test_a_good_token_names_its_caller(desk: Desk) -> None:
    assert await desk.verifier.caller(f"Bearer {desk.token()}") == "orchestrator"


@pytest.mark.parametrize("header", [None, "", "Basic YTpi", "Bearer"])
async def test_without_a_bearer_token_401(desk: Desk, header: str | None) -> None:
    with pytest.raises(Refusal) as caught:
        await desk.verifier.caller(header)
    assert caught.value.status == 401


async def test_an_expired_token_401_also_when_it_was_good_a_moment_ago(desk: Desk) -> None:
    token = desk.token(life_s=10)
    await desk.verifier.caller(f"Bearer {token}")
    desk.clock.now += 12
    assert (await refused(desk, token)).status == 401


async def test_another_audience_401(desk: Desk) -> None:
    assert (await refused(desk, desk.token(audience="agent-code"))).status == 401


async def test_a_caller_not_on_the_list_403(desk: Desk) -> None:
    assert (await refused(desk, desk.token("stranger"))).status == 403


async def test_another_issuer_401(desk: Desk) -> None:
    desk.issuer.name = "elsewhere"
    assert (await refused(desk, desk.token())).status == 401


def forged(desk: Desk, kind: str) -> str:
    header, claims = parts(desk.token())
    if kind == "none":
        return f"{b64({**header, 'alg': 'none'})}.{b64(claims)}."
    if kind == "another key":
        return jwt.encode({**header, "alg": "RS256"}, claims, RSAKey.generate_key(2048, private=True))
    if kind == "the public key as a MAC key":
        public = desk.issuer.ring.signing().as_pem(private=False)
        text = f"{b64({**header, 'alg': 'HS256'})}.{b64(claims)}"
        mac = hmac.new(public, text.encode(), hashlib.sha256).digest()
        return f"{text}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
    token = desk.token()
    head, _, signature = token.split(".")
    return f"{head}.{b64({**claims, 'sub': 'admin'})}.{signature}"


@pytest.mark.parametrize("kind", ["none", "another key", "the public key as a MAC key", "other claims"])
async def test_a_forged_token_401(desk: Desk, kind: str) -> None:
    assert (await refused(desk, forged(desk, kind))).status == 401


@pytest.mark.parametrize("junk", ["x", "a.b.c", "....", "e30.e30.e30", "\u00e9.\u00e9.\u00e9"])
async def test_junk_401(desk: Desk, junk: str) -> None:
    assert (await refused(desk, junk)).status == 401


async def test_keys_are_fetched_once_and_again_for_an_unknown_key_id(desk: Desk) -> None:
    for _ in range(3):
        await desk.verifier.caller(f"Bearer {desk.token()}")
    assert desk.fetched == 1
    before = desk.token()
    desk.clock.now += 6
    desk.issuer.ring.rotate()
    assert await desk.verifier.caller(f"Bearer {desk.token()}") == "orchestrator"
    assert desk.fetched == 2
    assert await desk.verifier.caller(f"Bearer {before}") == "orchestrator", "the keys overlap"


async def test_tokens_with_invented_key_ids_do_not_make_us_ask_the_issuer_each_time(desk: Desk) -> None:
    await desk.verifier.caller(f"Bearer {desk.token()}")
    header, claims = parts(desk.token())
    for number in range(20):
        await refused(desk, f"{b64({**header, 'kid': str(number)})}.{b64(claims)}.AAAA")
    assert desk.fetched == 1


async def test_an_old_key_is_public_until_its_last_token_has_expired(desk: Desk) -> None:
    first = desk.issuer.ring.signing().kid
    desk.issuer.ring.rotate()
    desk.clock.now += 899
    assert first in {key["kid"] for key in desk.issuer.ring.jwks()["keys"]}
    desk.clock.now += 2
    keys = desk.issuer.ring.jwks()["keys"]
    assert len(keys) == 1
    assert not {"d", "p", "q"} & keys[0].keys()


async def test_without_any_keys_nobody_is_let_in(desk: Desk) -> None:
    async def broken() -> dict[str, Any]:
        raise ValueError("no JSON")

    token = desk.token()
    desk.verifier.keys.fetch = broken
    with pytest.raises(KeysUnavailable):
        await desk.verifier.caller(f"Bearer {token}")


@pytest.mark.parametrize(
    ("client", "secret", "audience", "code"),
    [
        ("nobody", "x", "agent-search", "invalid_client"),
        ("nobody", "", "agent-search", "invalid_client"),
        ("orchestrator", "wrong", "agent-search", "invalid_client"),
        ("orchestrator", "orchestrator-secret", "tool-registry", "invalid_target"),
    ],
)
def test_no_token_for_who_may_not_have_it(desk: Desk, client: str, secret: str, audience: str, code: str) -> None:
    with pytest.raises(Denied) as caught:
        desk.issuer.token(client, secret, [audience])
    assert caught.value.code == code


async def expired(desk: Desk) -> str:
    token = desk.token(life_s=1)
    desk.clock.now += 100
    return token


async def test_each_flaw_takes_what_the_healthy_one_refuses_and_nothing_else(desk: Desk) -> None:
    late, now = await expired(desk), desk.token()
    cases = {
        "accepts_expired": late,
        "accepts_alg_none": forged(desk, "none"),
        "wrong_audience_accepted": desk.token(audience="agent-code"),
    }
    for flaw in cases:
        flawed = with_flaw(desk.verifier, flaw, "apply_verifier")
        flawed._good = {}  # what another verifier found good
        assert await flawed.caller(f"Bearer {now}") == "orchestrator"
        for name, token in cases.items():
            if name == flaw:
                assert await flawed.caller(f"Bearer {token}") == "orchestrator"
            else:
                with pytest.raises(Refusal):
                    await flawed.caller(f"Bearer {token}")
    assert await with_flaw(desk.verifier, "no_auth", "apply_verifier").caller(None)
