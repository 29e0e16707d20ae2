"""LLM requests have no time limit of their own: a slow model holds a task up to its deadline."""

from __future__ import annotations

from dataclasses import replace

from reference_agents.api.deps import Parts
from reference_agents.llm.wire import Limits


def apply(parts: Parts) -> Parts:
    """Replace the limits."""
    return parts.with_llm(replace(parts.llm, wire=replace(parts.llm.wire, limits=Limits(None, None, None))))
