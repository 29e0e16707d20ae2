"""The stack with its token service: nobody is served unknown, and its services know each other."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.integration.reference_agents.conftest import Stack, free_port

# One stack for the whole module, in one worker: it takes seconds to start.
pytestmark = pytest.mark.xdist_group("guarded")

CLIENTS = ("agent-search", "tool-registry", "tool-web-search", "windtunnel", "stranger")
GRANTS = {
    "agent-search": ["tool-registry"],
    "tool-registry": ["tool-web-search"],
    "tool-web-search": ["tool-registry"],
    "windtunnel": ["*", "keys"],
    "stranger": ["*"],
}
CALLERS = {
    "*": ["windtunnel"],
    "tool-registry": ["agent-search", "tool-web-search"],
    "tool-web-search": ["tool-registry"],
}


class Guarded:
    """A stack whose services have AUTH_URL set; `token` is what a client may ask for."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.folder = stack.folder / "clients"
        self.folder.mkdir()
        for client in CLIENTS:
            (self.folder / client).write_text(f"{client}-secret")
        grants = json.dumps(GRANTS)
        self.auth = stack.service("auth", "auth", AUTH_CLIENTS=str(self.folder), AUTH_GRANTS=grants)
        stack.registry = stack.service("guarded-registry", "registry", **self.env("tool-registry"))
        port = str(free_port())
        stack.tool = f"http://127.0.0.1:{port}"
        tool = {"PORT": port, "TOOL_URL": stack.tool, **self.env("tool-web-search")}
        stack.service("guarded-tool", "tool", "web_search", wait=False, **tool)
        stack.until_ready("guarded-tool", stack.tool + "/ready")
        self.agent = stack.service("guarded-agent", "agent", "search", **self.env("agent-search"))

    def env(self, service: str) -> dict[str, str]:
        return {
            "AUTH_URL": self.auth,
            "AUTH_CALLERS": json.dumps(CALLERS),
            "AUTH_SPEAKS_FOR_OTHERS": json.dumps(
                {"tool-registry": ["windtunnel"], "tool-web-search": ["tool-registry"]}
            ),
            # A store of its own: the unguarded tool beside it registers itself under the same name.
            "REDIS_URL": self.stack.redis_url.replace("/0", "/1"),
            "AUTH_RATE_LIMITS": json.dumps({"windtunnel": 0}),
            "AUTH_CLIENT_SECRET_FILE": str(self.folder / service),
        }

    def token(self, audience: str, client: str = "windtunnel") -> dict[str, str]:
        form = {"grant_type": "client_credentials", "audience": audience}
        answer = httpx.post(f"{self.auth}/token", data=form, auth=(client, f"{client}-secret"))
        return {"Authorization": f"Bearer {answer.raise_for_status().json()['access_token']}"}


@pytest.fixture(scope="module")
def guarded(backing: Stack) -> Guarded:
    return Guarded(backing)


def test_a_task_goes_through_every_guarded_service(guarded: Guarded) -> None:
    body = {"prompt": "search guarded services", "session_id": "s"}
    answer = httpx.post(f"{guarded.agent}/run", json=body, headers=guarded.token("agent-search"), timeout=30).json()
    assert answer["status"] == "completed", answer
    assert answer["tool_calls"], answer
    assert all(call["outcome"] == "ok" for call in answer["tool_calls"]), answer


def test_nobody_is_served_without_a_token_but_probes_are(guarded: Guarded) -> None:
    for url, path in ((guarded.agent, "/tasks/x"), (guarded.stack.registry, "/tools"), (guarded.stack.tool, "/ledger")):
        refused = httpx.get(url + path)
        assert refused.status_code == 401
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.headers["www-authenticate"].startswith("Bearer")
        assert httpx.get(url + "/health").status_code == 200


def alg_none(headers: dict[str, str]) -> dict[str, str]:
    claims = headers["Authorization"].split(".")[1]
    head = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
    return {"Authorization": f"Bearer {head}.{claims}."}


@pytest.mark.parametrize(
    ("made", "code"),
    [
        (lambda stack: stack.token("agent-search"), 404),
        (lambda stack: stack.token("tool-registry"), 401),
        (lambda stack: stack.token("agent-search", "stranger"), 403),
        (lambda stack: alg_none(stack.token("agent-search")), 401),
    ],
    ids=["good", "another audience", "not on the list", "unsigned"],
)
def test_what_a_caller_shows_decides(guarded: Guarded, made: Callable[[Guarded], dict[str, str]], code: int) -> None:
    assert httpx.get(f"{guarded.agent}/tasks/none", headers=made(guarded)).status_code == code


def test_an_agent_cannot_speak_for_another(guarded: Guarded) -> None:
    token = guarded.token("tool-registry", "agent-search")
    url = f"{guarded.stack.registry}/tools"
    assert httpx.get(url, headers={**token, "X-Agent-Id": "agent-search"}).status_code == 200
    assert httpx.get(url, headers={**token, "X-Agent-Id": "agent-code"}).status_code == 403


def test_the_description_says_how_to_come_in(guarded: Guarded) -> None:
    found = httpx.get(f"{guarded.agent}/openapi.json").json()
    assert found["paths"]["/run"]["post"]["security"] == [{"service": []}]
    assert "401" in found["paths"]["/run"]["post"]["responses"]
    assert "security" not in found["paths"]["/health"]["get"]


def test_no_secret_and_no_token_is_logged(guarded: Guarded) -> None:
    text = "".join(Path(file).read_text() for file in guarded.stack.folder.glob("*.log"))
    assert "-secret" not in text
    assert "eyJ" not in text
