"""The secrets that windtunnel.toml names but never holds, and where tokens come from."""

from __future__ import annotations

import os
from collections.abc import Mapping

from harness.core.config import Auth, Config
from harness.core.errors import ConfigError
from harness.targets.target import Target


def secret(
    config: Config, env: str | None, file: str | None, what: str, environ: Mapping[str, str] = os.environ
) -> str:
    """What the variable `env`, or else the file beside windtunnel.toml, holds. Raises ConfigError naming `what`."""
    if env:
        if env not in environ:
            raise ConfigError(f"[target.auth] {what}_env names {env}, which is not set")
        return environ[env]
    if file:
        try:
            return config.path(file).read_text().strip()
        except OSError as error:
            raise ConfigError(f"[target.auth] {what}_file: {error}") from None
    raise ConfigError(f"[target.auth] needs {what}_env or {what}_file")


def token_url(auth: Auth, target: Target) -> str:
    """Where tokens are asked for. Raises ConfigError."""
    if not auth.token_url or not auth.client_id:
        raise ConfigError("[target.auth] client_credentials needs token_url and client_id")
    if auth.token_url.startswith("http"):
        return auth.token_url
    service, _, path = auth.token_url.partition(":")
    return target.service(service).url + path
