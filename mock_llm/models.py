"""Models there are, unless the settings name others, and how much context each takes."""

from __future__ import annotations

from collections.abc import Mapping

from mock_llm.settings import Settings

# Context windows in tokens, as the providers' documentation gives them.
OPENAI: Mapping[str, int] = {
    "gpt-4o": 128_000,
    "gpt-4o-mini": 128_000,
    "gpt-4.1": 1_047_576,
    "gpt-4.1-mini": 1_047_576,
    "gpt-4-turbo": 128_000,
    "gpt-4": 8_192,
    "gpt-3.5-turbo": 16_385,
    "gpt-5": 400_000,
    "gpt-5-mini": 400_000,
    "o3": 200_000,
    "o3-mini": 200_000,
    "o4-mini": 200_000,
    "text-embedding-3-small": 8_191,
    "text-embedding-3-large": 8_191,
    "text-embedding-ada-002": 8_191,
    "omni-moderation-latest": 32_768,
}

ANTHROPIC: Mapping[str, int] = {
    "claude-opus-5-5": 200_000,
    "claude-sonnet-5-5": 200_000,
    "claude-haiku-5-5": 200_000,
    "claude-opus-5": 200_000,
    "claude-sonnet-5": 200_000,
    "claude-opus-4-8": 200_000,
    "claude-sonnet-4-6": 200_000,
    "claude-haiku-4-5": 200_000,
}


def window(model: str, settings: Settings) -> int | None:
    """How many tokens of context `model` takes; None when nobody said."""
    return settings.context_windows.get(model) or OPENAI.get(model) or ANTHROPIC.get(model)


def exists(model: str, settings: Settings) -> bool:
    """Whether the server serves that model; with no models set, every name will do."""
    return not settings.models or model in settings.models


def listed(settings: Settings, known: Mapping[str, int] = OPENAI) -> tuple[str, ...]:
    """The models to show."""
    return settings.models or tuple(known)
