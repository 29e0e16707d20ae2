"""Looks at a running service from outside and says how windtunnel.toml should describe it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx

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


def task_api(document: Mapping[str, Any]) -> dict[str, Any] | None:
    """The task API in an OpenAPI document, as the keys of [target.services.NAME.tasks]; None without one.

    A POST that declares 202, or whose path is a collection with a GET below it by id, submits; a POST to a
    path like `run`, `invoke`, `chat` answers at once. The body is filled from the request schema.
    """
    paths: Mapping[str, Any] = document.get("paths", {})
    posts = {path: item["post"] for path, item in paths.items() if "post" in item}
    by_id = {path: re.sub(r"\{[^}]+\}", "{id}", path) for path, item in paths.items() if "get" in item}
    submit = next(
        (
            path
            for path, operation in posts.items()
            if "{" not in path
            and ("202" in operation.get("responses", {}) or f"{path.rstrip('/')}/{{id}}" in by_id.values())
        ),
        None,
    )
    run = next(
        (
            path
            for path in posts
            if path != submit and re.search(r"/(run|invoke|chat|ask|query|complete|agent|predict)s?/?$", path)
        ),
        None,
    )
    if submit is None and run is None:
        return None
    api: dict[str, Any] = {
        "run": f"POST {run}" if run else None,
        "submit": f"POST {submit}" if submit else None,
    }
    status = next((path for path in by_id.values() if submit and path == f"{submit.rstrip('/')}/{{id}}"), None)
    api["status"] = f"GET {status}" if status else None
    cancel = next((path for path in posts if submit and re.fullmatch(rf"{submit}/\{{[^}}]+\}}/cancel", path)), None)
    api["cancel"] = "POST " + re.sub(r"\{[^}]+\}", "{id}", cancel) if cancel else None
    chosen = submit or run
    assert chosen is not None
    body = _body(posts[chosen], document)
    if body:
        api["body"] = body
    fields = _answer_fields(posts[chosen], document)
    for key, candidates in (
        ("id_field", ("task_id", "id", "job_id", "run_id", "request_id")),
        ("status_field", ("status", "state", "phase")),
        ("output_field", ("output", "answer", "result", "response", "text", "message", "content")),
    ):
        found = next((name for name in candidates if name in fields), None)
        if found:
            api[key] = found
    return api


def _body(operation: Mapping[str, Any], document: Mapping[str, Any]) -> dict[str, Any]:
    schema = _resolved(_json_schema(operation.get("requestBody", {})), document)
    properties: Mapping[str, Any] = schema.get("properties", {})
    body: dict[str, Any] = {}
    for name in properties:
        if re.fullmatch(r"prompt|input|question|query|message|text|content|task", name):
            body[name] = "{prompt}"
        elif re.fullmatch(r"session(_?id)?|thread(_?id)?|conversation(_?id)?|user(_?id)?", name, re.IGNORECASE):
            body[name] = "{session}"
    if "{prompt}" not in body.values():
        required = [
            n for n in schema.get("required", ()) if _resolved(properties.get(n, {}), document).get("type") == "string"
        ]
        if required:
            body[required[0]] = "{prompt}"
    return body


def _answer_fields(operation: Mapping[str, Any], document: Mapping[str, Any]) -> frozenset[str]:
    names: set[str] = set()
    for code, response in operation.get("responses", {}).items():
        if str(code).startswith("2"):
            names.update(_resolved(_json_schema(_resolved(response, document)), document).get("properties", {}))
    return frozenset(names)


def _json_schema(holder: Mapping[str, Any]) -> Mapping[str, Any]:
    schema: Mapping[str, Any] = holder.get("content", {}).get("application/json", {}).get("schema", {})
    return schema


def _resolved(schema: Mapping[str, Any], document: Mapping[str, Any]) -> Mapping[str, Any]:
    for _ in range(8):
        if "$ref" not in schema:
            return schema
        here: Any = document
        for part in str(schema["$ref"]).removeprefix("#/").split("/"):
            here = here.get(part, {})
        schema = here
    return schema


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
