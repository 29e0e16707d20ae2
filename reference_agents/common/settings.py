"""Settings from the environment, parsed once. Secrets come from mounted files only."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Model:
    """One step of the cascade: `openai:gpt-4o`."""

    protocol: str
    name: str

    @classmethod
    def parse(cls, text: str) -> Model:
        protocol, _, name = text.strip().partition(":")
        if protocol not in ("openai", "anthropic") or not name:
            raise ValueError(f"LLM_CASCADE: {text!r} is not openai:MODEL or anthropic:MODEL")
        return cls(protocol, name)


@dataclass(frozen=True)
class Settings:
    """What a service is told. Times in seconds."""

    host: str
    port: int
    redis_url: str
    registry_url: str
    openai_base_url: str
    anthropic_base_url: str
    openai_key: str
    anthropic_key: str
    cascade: tuple[Model, ...]
    pod: str
    llm_connect_s: float = 2.0
    llm_read_s: float = 5.0
    llm_total_s: float = 12.0
    llm_attempts: int = 3
    breaker_failures: int = 5
    breaker_open_s: float = 30.0
    task_deadline_s: float = 60.0
    workers: int = 8
    lease_s: float = 3.0
    flaw: str = ""
    registration_token: str = ""
    tools: tuple[str, ...] = ()
    session_token_cap: int = 50_000
    prices_file: str = ""  # without it: cost/prices.toml

    @classmethod
    def of(cls, env: Mapping[str, str] = os.environ) -> Settings:
        """From environment variables; the defaults suit a laptop. Raises ValueError naming a wrong one."""

        def number(name: str, default: float) -> float:
            text = env.get(name, "")
            try:
                return float(text) if text else default
            except ValueError:
                raise ValueError(f"{name}: {text!r} is not a number") from None

        cascade = env.get("LLM_CASCADE", "openai:gpt-4o,openai:gpt-4o-mini,anthropic:claude-sonnet-4-5")
        return cls(
            host=env.get("HOST", "127.0.0.1"),
            port=int(number("PORT", 8080)),
            redis_url=env.get("REDIS_URL", "redis://127.0.0.1:6379/0"),
            registry_url=env.get("REGISTRY_URL", "http://127.0.0.1:8081"),
            openai_base_url=env.get("OPENAI_BASE_URL", "http://127.0.0.1:8082/v1"),
            anthropic_base_url=env.get("ANTHROPIC_BASE_URL", "http://127.0.0.1:8082"),
            openai_key=_secret(env, "OPENAI_API_KEY_FILE"),
            anthropic_key=_secret(env, "ANTHROPIC_API_KEY_FILE"),
            cascade=tuple(Model.parse(part) for part in cascade.split(",")),
            pod=env.get("POD_NAME", env.get("HOSTNAME", "local")),
            llm_connect_s=number("LLM_CONNECT_TIMEOUT", 2.0),
            llm_read_s=number("LLM_READ_TIMEOUT", 5.0),
            llm_total_s=number("LLM_TOTAL_TIMEOUT", 12.0),
            llm_attempts=int(number("LLM_ATTEMPTS", 3)),
            breaker_failures=int(number("BREAKER_FAILURES", 5)),
            breaker_open_s=number("BREAKER_OPEN_SECONDS", 30.0),
            task_deadline_s=number("TASK_DEADLINE", 60.0),
            workers=int(number("WORKERS", 8)),
            lease_s=number("LEASE_SECONDS", 3.0),
            flaw=env.get("REFERENCE_FLAW", ""),
            registration_token=_secret(env, "REGISTRATION_TOKEN_FILE", ""),
            tools=tuple(filter(None, env.get("TOOL_URLS", "").split(","))),
            session_token_cap=int(number("SESSION_TOKEN_CAP", 50_000)),
            prices_file=env.get("LLM_PRICES_FILE", ""),
        )


def _secret(env: Mapping[str, str], name: str, without: str = "sk-local") -> str:
    """The contents of the file that `name` points at; `without`, which protects nothing, where there is none."""
    path = env.get(name)
    return Path(path).read_text().strip() if path else without
