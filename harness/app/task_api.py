"""Finds the task API in an OpenAPI description: its routes, and what its requests and answers call things."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

_FIELDS = (
    ("id_field", ("task_id", "id", "job_id", "run_id", "request_id", "uuid", "taskId", "jobId", "runId")),
    ("status_field", ("status", "state", "phase")),
    ("output_field", ("output", "answer", "result", "reply", "response", "text", "message", "content")),
    ("error_field", ("error", "error_message", "failure", "reason")),
)
_GOOD = re.compile(r"(?<!in)complete|succe|done|finish|^ok$", re.IGNORECASE)
_BAD = re.compile(r"fail|error|cancel|reject|expire|abort|timed?.?out|dead", re.IGNORECASE)
_IDEMPOTENCY = re.compile(r"idempoten", re.IGNORECASE)


def task_api(document: Mapping[str, Any]) -> dict[str, Any] | None:
    """The keys of [target.services.NAME.tasks]; None where the description has no task API.

    A POST that declares 202, or whose path is a collection with a GET below it by id, submits; a POST to a path like
    `run`, `invoke`, `chat` answers at once. Bodies, answers' fields and states come from the schemas. What is not
    described is not promised: without an idempotency header or a Location of the 202 these keys are None.
    """
    paths: Mapping[str, Any] = document.get("paths", {})
    posts = {path: item["post"] for path, item in paths.items() if "post" in item}
    gets = {re.sub(r"\{[^}]+\}", "{id}", path): item["get"] for path, item in paths.items() if "get" in item}
    submit = next((path for path, operation in posts.items() if _submits(path, operation, gets)), None)
    words = r"/(run|invoke|chat|ask|query|complete|completion|agent|predict|message|answer)s?/?$"
    run = next((path for path in posts if path != submit and "{" not in path and re.search(words, path)), None)
    if submit is None and run is None:
        return None
    status = f"{submit.rstrip('/')}/{{id}}" if submit else ""
    cancel = next((path for path in posts if submit and re.fullmatch(rf"{submit}/\{{[^}}]+\}}/cancel", path)), None)
    api: dict[str, Any] = {
        "run": f"POST {run}" if run else None,
        "submit": f"POST {submit}" if submit else None,
        "status": f"GET {status}" if status in gets else None,
        "cancel": "POST " + re.sub(r"\{[^}]+\}", "{id}", cancel) if cancel else None,
    }
    told = next((path for path in gets if status and re.fullmatch(re.escape(status) + r"/(events|stream)", path)), None)
    if told:
        api["events"] = f"GET {told}"
    asked = [posts[path] for path in (submit, run) if path]
    body = _body(asked[0], document)
    if body:
        api["body"] = body
    answers = _answers([*asked, *([gets[status]] if status in gets else [])], document)
    for key, candidates in _FIELDS:
        found = next((name for name in candidates if name in answers), None)
        if found:
            api[key] = found
    api.update(_states(_resolved(answers.get(api.get("status_field", ""), {}), document)))
    api["idempotency_header"] = _idempotency(asked, document)
    if not any(
        "Location" in _resolved(one.get("responses", {}).get("202", {}), document).get("headers", {}) for one in asked
    ):
        api["location_header"] = None
    return api


def _submits(path: str, operation: Mapping[str, Any], gets: Iterable[str]) -> bool:
    below = f"{path.rstrip('/')}/{{id}}"
    return "{" not in path and ("202" in operation.get("responses", {}) or below in gets)


def _idempotency(operations: Iterable[Mapping[str, Any]], document: Mapping[str, Any]) -> str | None:
    for operation in operations:
        for parameter in operation.get("parameters", ()):
            found = _resolved(parameter, document)
            if found.get("in") == "header" and _IDEMPOTENCY.search(str(found.get("name"))):
                return str(found["name"])
    return None


def _states(schema: Mapping[str, Any]) -> dict[str, list[str]]:
    """The states by what they mean, where the description lists them and one of them is a good end."""
    words = [str(word) for word in schema.get("enum", ())]
    good = [word for word in words if _GOOD.search(word) and not _BAD.search(word)]
    bad = [word for word in words if _BAD.search(word)]
    if not good:
        return {}
    return {"pending": [word for word in words if word not in (*good, *bad)], "succeeded": good, "failed": bad}


def _answers(operations: Iterable[Mapping[str, Any]], document: Mapping[str, Any]) -> dict[str, Any]:
    """The properties of every good answer, by name."""
    found: dict[str, Any] = {}
    for operation in operations:
        for code, response in operation.get("responses", {}).items():
            if str(code).startswith("2"):
                schema = _resolved(_json_schema(_resolved(response, document)), document)
                found |= {name: part for name, part in schema.get("properties", {}).items() if name not in found}
    return found


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
