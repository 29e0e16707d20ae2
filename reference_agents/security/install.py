"""Puts the guard before a service and tokens on its calls: one line each where a service is put together."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import httpx
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from reference_agents.common.clock import Clock
from reference_agents.common.problem import TITLES
from reference_agents.flaws import with_flaw
from reference_agents.security.settings import SecuritySettings

if TYPE_CHECKING:
    from reference_agents.security.verifier import Verifier


def credentials(service: str, clock: Clock, env: Mapping[str, str] = os.environ) -> httpx.Auth | None:
    """`auth=` for the HTTP client of `service`; None where the environment names no token service.

    Raises ValueError where it names one and no secret to show it.
    """
    settings = SecuritySettings.of(service, env)
    if settings is None:
        return None
    from reference_agents.security.tokens import ServiceAuth, Tokens, fetching

    if settings.client_secret_file is None:
        raise ValueError("AUTH_URL is set, but not AUTH_CLIENT_SECRET_FILE")
    asks = httpx.AsyncClient()
    return ServiceAuth(Tokens(fetching(asks, settings.auth_url, service, settings.client_secret_file), clock))


def verifier(settings: SecuritySettings, clock: Clock, flaw: str = "") -> Verifier:
    """What checks tokens for the service of `settings`."""
    from reference_agents.security.verifier import Jwks, Verifier

    http = httpx.AsyncClient(timeout=3.0)

    async def fetch() -> dict[str, Any]:
        answer = await http.get(f"{settings.auth_url}/.well-known/jwks.json")
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    made = Verifier(settings.issuer, settings.audience, settings.callers, Jwks(fetch, clock), clock, settings.leeway_s)
    return with_flaw(made, flaw, "apply_verifier")


def guard(app: FastAPI, service: str, clock: Clock, flaw: str = "", env: Mapping[str, str] = os.environ) -> None:
    """Nobody reaches `app` unknown, and its description says so; nothing where AUTH_URL is not set."""
    settings = SecuritySettings.of(service, env)
    if settings is None:
        return
    from reference_agents.security.guard import OPEN, Guard
    from reference_agents.security.limits import RateLimit

    app.add_middleware(
        Guard,
        verifier=verifier(settings, clock, flaw),
        limit=RateLimit(clock, settings.default_per_minute, settings.limits),
        speaks_for_others=settings.speaks_for_others,
    )
    app.openapi = lambda: _described(app, OPEN)  # type: ignore[method-assign]


def grpc_guard(service: str, clock: Clock, flaw: str = "", env: Mapping[str, str] = os.environ) -> list[Any]:
    """The interceptors by which nobody reaches a gRPC server unknown; none where AUTH_URL is not set."""
    settings = SecuritySettings.of(service, env)
    if settings is None:
        return []
    from reference_agents.grpc_api.guard import Guard as GrpcGuard
    from reference_agents.security.limits import RateLimit

    limit = RateLimit(clock, settings.default_per_minute, settings.limits)
    return with_flaw([GrpcGuard(verifier(settings, clock, flaw), limit)], flaw, "apply_grpc")


def _described(app: FastAPI, open_paths: frozenset[str]) -> dict[str, Any]:
    """The description with what the guard may answer; the framework does not know of it."""
    if app.openapi_schema is None:
        found = get_openapi(title=app.title, version=app.version, routes=app.routes)
        parts = found.setdefault("components", {})
        parts["securitySchemes"] = {"service": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
        content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        for path, item in found.get("paths", {}).items():
            if path in open_paths:
                continue
            for operation in item.values():
                operation["security"] = [{"service": []}]
                for code in (401, 403, 429, 503):
                    operation["responses"].setdefault(str(code), {"description": TITLES[code], "content": content})
        app.openapi_schema = found
    return app.openapi_schema
