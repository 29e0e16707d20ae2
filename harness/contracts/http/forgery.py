"""Tokens that nobody may take, made from a real one without its key (RFC 7515, RFC 8725)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from typing import Any


def _decoded(part: str) -> dict[str, Any]:
    try:
        found = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (binascii.Error, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _encoded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _json(value: dict[str, Any]) -> str:
    return _encoded(json.dumps(value, separators=(",", ":")).encode())


def forgeries(token: str) -> dict[str, str]:
    """What is wrong with each -> the token; empty where `token` is no JWT, about which nothing can be said.

    `alg none` has no signature; `another key` has one of the right length that no key of the issuer made, and
    `HS256` a MAC under a well-known key; `other claims` are another subject's under the real signature.
    """
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    header, claims = _decoded(parts[0]), _decoded(parts[1])
    if "alg" not in header:
        return {}
    noise = hashlib.shake_256(token.encode()).digest(max(1, len(parts[2]) * 3 // 4))
    symmetric = f"{_json({**header, 'alg': 'HS256'})}.{parts[1]}"
    mac = hmac.new(b"secret", symmetric.encode(), hashlib.sha256).digest()
    return {
        "alg none": f"{_json({**header, 'alg': 'none'})}.{parts[1]}.",
        "another key": f"{parts[0]}.{parts[1]}.{_encoded(noise)}",
        "HS256": f"{symmetric}.{_encoded(mac)}",
        "other claims": f"{parts[0]}.{_json({**claims, 'sub': 'windtunnel-somebody-else'})}.{parts[2]}",
    }
