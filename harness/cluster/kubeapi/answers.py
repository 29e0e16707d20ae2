"""Answers as a kube-apiserver gives them: Status objects with their reason and code."""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse, Response

from harness.cluster.manifests.documents import Json

REASONS = {400: "BadRequest", 404: "NotFound", 405: "MethodNotAllowed", 409: "AlreadyExists", 410: "Expired",
           415: "UnsupportedMediaType", 422: "Invalid", 429: "TooManyRequests", 501: "NotImplemented"}  # fmt: skip


def status(code: int, message: str, *, reason: str = "", details: Json | None = None) -> Response:
    """A failure."""
    body: dict[str, Any] = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason or REASONS.get(code, "InternalError"),
        "code": code,
    }
    if details:
        body["details"] = details
    return JSONResponse(body, code)


def not_found(plural: str, name: str, group: str = "") -> Response:
    """404 in the words that kubectl prints."""
    what = f"{plural}.{group}" if group else plural
    return status(404, f'{what} "{name}" not found', details={"name": name, "group": group, "kind": plural})


def unsupported(what: str) -> Response:
    """501: said plainly, rather than an answer that is not true."""
    return status(501, f"the local cluster does not support {what}")


def success(kind: str, name: str, uid: str) -> Response:
    """What a delete of an object answers."""
    details = {"name": name, "kind": kind, "uid": uid}
    return JSONResponse({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})
