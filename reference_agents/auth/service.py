"""The token service over HTTP."""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import unquote_plus

from fastapi import FastAPI, Form, Header
from fastapi.responses import JSONResponse

from reference_agents.auth.issuer import Denied, Issuer, secrets_of
from reference_agents.auth.keys import KeyRing, watch
from reference_agents.common import log, problem
from reference_agents.common.clock import RealClock
from reference_agents.common.settings import Settings

Credentials = Annotated[str | None, Header(alias="Authorization", max_length=4096)]


def issuer_of(env: Mapping[str, str] = os.environ) -> Issuer:
    """The issuer that the environment describes. Raises ValueError, OSError.

    AUTH_ISSUER names it; AUTH_CLIENTS is a folder with a file for each client, its secret within; AUTH_GRANTS is
    JSON, each client's audiences; AUTH_KEYS is a folder of PEM files, the last by name signs (without it a key is
    made at start, which is right for one replica only); AUTH_TOKEN_LIFE in seconds.
    """
    clock, life_s = RealClock(), int(env.get("AUTH_TOKEN_LIFE", "900"))
    ring = KeyRing(clock, life_s)
    if env.get("AUTH_KEYS"):
        watch(Path(env["AUTH_KEYS"]), ring)
    grants: Any = json.loads(env.get("AUTH_GRANTS", "{}"))
    return Issuer(
        env.get("AUTH_ISSUER", "reference-auth"),
        ring,
        secrets_of(Path(env["AUTH_CLIENTS"])) if env.get("AUTH_CLIENTS") else {},
        {str(client): frozenset(map(str, audiences)) for client, audiences in grants.items()},
        clock,
        life_s,
    )


def create_app(settings: Settings, env: Mapping[str, str] = os.environ) -> FastAPI:
    """The ASGI application of the token service. Raises ValueError, OSError."""
    issuer = issuer_of(env)
    issuer.ring.signing()  # before the first request, which would else wait for a key to be made
    logger = log.configure("auth", settings.pod)
    folder = Path(env["AUTH_KEYS"]) if env.get("AUTH_KEYS") else None
    app = FastAPI(title="auth", version="1.0.0")
    problem.install(app)

    @app.post("/token", summary="A token by client credentials (RFC 6749, 4.4)")
    def token(
        grant_type: Annotated[str, Form(max_length=64)],
        audience: Annotated[list[str], Form()],
        client_id: Annotated[str, Form(max_length=128)] = "",
        client_secret: Annotated[str, Form(max_length=512)] = "",
        expires_in: Annotated[int | None, Form(ge=1)] = None,
        credentials: Credentials = None,
    ) -> JSONResponse:
        if grant_type != "client_credentials":
            return _denied(Denied("unsupported_grant_type", "client_credentials is the one there is"))
        if folder is not None:
            with contextlib.suppress(OSError, ValueError):
                watch(folder, issuer.ring)  # while the files cannot be read, the key that is held goes on
        client, secret = _basic(credentials) or (client_id, client_secret)
        try:
            answer = issuer.token(client, secret, audience, expires_in)
        except Denied as error:
            logger.warning("token denied", client=client if client in issuer.clients else "unknown", error=error.code)
            return _denied(error)
        return JSONResponse(answer, headers={"Cache-Control": "no-store"})

    @app.get("/.well-known/jwks.json", summary="The keys that check tokens (RFC 7517)")
    def jwks() -> JSONResponse:
        return JSONResponse(issuer.ring.jwks(), headers={"Cache-Control": "public, max-age=60"})

    @app.post("/keys/rotate", responses=problem.declared(401, 409), summary="Sign with a new key from now on")
    def rotate(credentials: Credentials = None) -> dict[str, str]:
        client, secret = _basic(credentials) or ("", "")
        if not issuer.known(client, secret) or "keys" not in issuer.grants.get(client, frozenset()):
            raise problem.Refused(401, "a client that is granted `keys` may rotate, by its secret (Basic)")
        if folder is not None:
            raise problem.Refused(409, "the keys are files: add one to rotate")
        key = issuer.ring.rotate()
        logger.info("key rotated", kid=key.kid, client=client)
        return {"kid": str(key.kid)}

    @app.get("/health", summary="Is the process alive?")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/ready", summary="Can it work?")
    def ready() -> dict[str, object]:
        return {"ready": True, "checks": {"key": str(issuer.ring.signing().kid)}}

    return app


def _basic(header: str | None) -> tuple[str, str] | None:
    """Client and secret of an Authorization header (RFC 6749, 2.3.1); None where there is none of that kind."""
    scheme, _, text = (header or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client, _, secret = base64.b64decode(text, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return unquote_plus(client), unquote_plus(secret)


def _denied(error: Denied) -> JSONResponse:
    """RFC 6749, 5.2."""
    unknown = error.code == "invalid_client"
    return JSONResponse(
        {"error": error.code, "error_description": error.detail},
        401 if unknown else 400,
        headers={"Cache-Control": "no-store", **({"WWW-Authenticate": 'Basic realm="auth"'} if unknown else {})},
    )
