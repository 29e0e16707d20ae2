"""Looks at a running service from outside and says how windtunnel.toml should describe it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx

from harness.app.task_api import task_api
from harness.core.errors import InfraError

OPENAPI_PATHS = ("/openapi.json", "/openapi.yaml", "/v3/api-docs", "/swagger.json", "/api/openapi.json")
HEALTH_PATHS = ("/health", "/healthz", "/livez", "/-/healthy", "/ping")
READY_PATHS = ("/ready", "/readyz", "/health/ready", "/-/ready")
METRICS_PATHS = ("/metrics",)
TOOL_PATHS = ("/tools", "/v1/tools")


@dataclass(frozen=True)
class Discovered:
    """What was found at `url`; None where nothing answered."""

    name: str
    url: str
    role: str
    openapi: str | None
    health: str | None
    ready: str | None
    metrics: str | None
    tools: str | None
    tasks: Mapping[str, Any] | None = field(default=None)


def discover(url: str, http: httpx.Client) -> Discovered:
    """Ask the service at `url` for what services usually offer.

    Raises InfraError when nothing answers there at all.
    """
    url = url.rstrip("/")
    try:
        http.get(url + "/")
    except httpx.HTTPError as error:
        raise InfraError(
            f"nothing answers at {url}: {type(error).__name__}", hint="start the service, or correct --url"
        ) from None
    openapi = _first(http, url, OPENAPI_PATHS)
    document = _document(http, url + openapi) if openapi else None
    tools = _first(http, url, TOOL_PATHS)
    tasks = task_api(document) if document else None
    title = str(document.get("info", {}).get("title", "")) if document else ""
    return Discovered(
        name=_name(title, url),
        url=url,
        role="agent" if tasks else "registry" if tools else "other",
        openapi=openapi,
        health=_first(http, url, HEALTH_PATHS),
        ready=_first(http, url, READY_PATHS),
        metrics=_first(http, url, METRICS_PATHS),
        tools=tools,
        tasks=tasks,
    )


def _first(http: httpx.Client, url: str, paths: tuple[str, ...]) -> str | None:
    for path in paths:
        try:
            if http.get(url + path).status_code == 200:
                return path
        except httpx.HTTPError:
            continue
    return None


def _document(http: httpx.Client, url: str) -> dict[str, Any] | None:
    try:
        document = http.get(url).json()
    except (httpx.HTTPError, ValueError):
        return None
    return document if isinstance(document, dict) else None


def _name(title: str, url: str) -> str:
    slug = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
    if slug and slug != "fastapi":
        return slug
    parts = urlsplit(url)
    host = parts.hostname or "service"
    generic = host in ("localhost", "127.0.0.1", "::1")
    return f"service-{parts.port}" if generic else host.split(".")[0]
