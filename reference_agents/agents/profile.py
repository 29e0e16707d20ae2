"""What makes one agent differ from another: data, not code."""

from __future__ import annotations

import importlib
from dataclasses import dataclass

NAMES = ("search", "summarize", "email", "code", "data")


@dataclass(frozen=True)
class Profile:
    """An agent: what it is told, what it may use, and its limits, which no task of its can exceed.

    `token_budget` is in tokens of a task, `sla_s` in seconds from the start of a task to its end.
    """

    name: str
    system_prompt: str
    tools: tuple[str, ...]
    token_budget: int
    sla_s: float


def profile_of(name: str) -> Profile:
    """The agent `name`. Raises ValueError naming those there are."""
    if name not in NAMES:
        raise ValueError(f"there is no agent {name!r}; there are: {', '.join(NAMES)}")
    found: Profile = importlib.import_module(f"reference_agents.agents.{name}.profile").PROFILE
    return found


def access() -> dict[str, frozenset[str]]:
    """Which tools each agent may call: what the registry goes by."""
    return {f"agent-{name}": frozenset(profile_of(name).tools) for name in NAMES}
