"""Answers as a kube-apiserver gives them: Status objects with their reason and code."""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import Response

from harness.cluster.manifests.documents import Json
from harness.cluster.resources import Resource

REASONS = {400: "BadRequest", 404: "NotFound", 405: "MethodNotAllowed", 409: "Conflict", 410: "Expired",
           415: "UnsupportedMediaType", 422: "Invalid", 429: "TooManyRequests", 501: "NotImplemented"}  # fmt: skip


def answer(body: Any, code: int = 200, media_type: str = "application/json") -> Response:
    """An object, as the API server writes it: compact, and a newline at the end."""
    text = json.dumps(body, separators=(",", ":"), ensure_ascii=False) + "\n"
    return Response(text, code, media_type=media_type)


def failure(code: int, message: str, *, reason: str = "", details: Json | None = None) -> Json:
    """The Status object of a failure."""
    body: Json = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message}
    body["reason"] = reason or REASONS.get(code, "InternalError")
    if details:
        body["details"] = details
    return {**body, "code": code}


def status(code: int, message: str, *, reason: str = "", details: Json | None = None) -> Response:
    """A failure."""
    return answer(failure(code, message, reason=reason, details=details), code)


def _details(resource: Resource, name: str) -> Json:
    return {"name": name, **({"group": resource.group} if resource.group else {}), "kind": resource.plural}


def not_found(resource: Resource, name: str) -> Response:
    """404 in the words that kubectl prints."""
    return status(404, f'{resource.full_name} "{name}" not found', details=_details(resource, name))


def already_exists(resource: Resource, name: str) -> Response:
    """409: there is one of that name."""
    text = f'{resource.full_name} "{name}" already exists'
    return status(409, text, reason="AlreadyExists", details=_details(resource, name))


def conflict(resource: Resource, name: str, why: str) -> Response:
    """409: somebody else was faster, or a precondition does not hold."""
    text = f'Operation cannot be fulfilled on {resource.full_name} "{name}": {why}'
    return status(409, text, details=_details(resource, name))


def invalid(resource: Resource, name: str, why: str) -> Response:
    """422: the object breaks a rule. `why` begins with the field's path."""
    path, _, text = why.partition(": ")
    cause = {"reason": "FieldValueInvalid", "message": text, "field": path}
    details = {**_details(resource, name), "causes": [cause]}
    full = f"{resource.kind}.{resource.group}" if resource.group else resource.kind
    return status(422, f'{full} "{name}" is invalid: {why}', details=details)


def no_such_path() -> Response:
    """404 for a path that nothing serves."""
    return status(404, "the server could not find the requested resource", details={})


def not_allowed() -> Response:
    """405."""
    return status(405, "the server does not allow this method on the requested resource")


def unsupported(what: str) -> Response:
    """501: said plainly, rather than an answer that is not true."""
    return status(501, f"the local cluster does not support {what}")


def success(resource: Resource, name: str, uid: str) -> Response:
    """What a delete of an object answers."""
    details = {**_details(resource, name), "uid": uid}
    return answer({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})
