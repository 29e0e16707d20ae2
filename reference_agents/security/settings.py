"""What a service is told about its callers and about itself as a caller."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class SecuritySettings:
    """Times in seconds; `per_minute` of a caller that is not in `limits` is `default_per_minute`, 0 is no limit."""

    auth_url: str
    issuer: str
    audience: str
    callers: frozenset[str]
    speaks_for_others: frozenset[str]
    default_per_minute: int
    limits: Mapping[str, int]
    client_secret_file: Path | None
    leeway_s: int = 1

    @classmethod
    def of(cls, service: str, env: Mapping[str, str] = os.environ) -> SecuritySettings | None:
        """Of the service called `service`, from the environment; None without AUTH_URL: then nobody is asked who they
        are, as suits a laptop. Raises ValueError.

        AUTH_CALLERS, AUTH_SPEAKS_FOR_OTHERS and AUTH_RATE_LIMITS are JSON objects keyed by service, so that one
        ConfigMap holds the whole stack's; `*` stands for every service, and for a rate limit's default. The registry
        calls tools in an agent's name: each tool must list `tool-registry` in AUTH_SPEAKS_FOR_OTHERS.
        """
        if not env.get("AUTH_URL"):
            return None
        callers: dict[str, Any] = json.loads(env.get("AUTH_CALLERS", "{}"))
        others: dict[str, Any] = json.loads(env.get("AUTH_SPEAKS_FOR_OTHERS", "{}"))
        limits: dict[str, int] = {name: int(n) for name, n in json.loads(env.get("AUTH_RATE_LIMITS", "{}")).items()}
        secret = env.get("AUTH_CLIENT_SECRET_FILE")
        return cls(
            auth_url=env["AUTH_URL"].rstrip("/"),
            issuer=env.get("AUTH_ISSUER", "reference-auth"),
            audience=service,
            callers=frozenset(map(str, [*callers.get(service, ()), *callers.get("*", ())])),
            speaks_for_others=frozenset(map(str, others.get(service, ()))),
            default_per_minute=limits.pop("*", 600),
            limits=limits,
            client_secret_file=Path(secret) if secret else None,
        )
