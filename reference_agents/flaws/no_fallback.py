"""Only the primary model is ever asked."""

from __future__ import annotations

from dataclasses import replace

from reference_agents.api.deps import Parts


def apply(parts: Parts) -> Parts:
    """Cut the cascade short."""
    return parts.with_llm(replace(parts.llm, cascade=parts.llm.cascade[:1]))
