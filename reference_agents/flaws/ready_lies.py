"""/ready says yes whatever the dependencies say."""

from __future__ import annotations

from dataclasses import dataclass

from reference_agents.api.deps import Parts
from reference_agents.api.readiness import Dependencies, Readiness
from reference_agents.flaws.replacing import as_kind


@dataclass
class Optimist(Dependencies):
    async def ready(self) -> Readiness:
        return Readiness(ready=True, checks={"redis": "ok", "registry": "ok"})


def apply(parts: Parts) -> Parts:
    """Replace the readiness check."""
    parts.dependencies = as_kind(Optimist, parts.dependencies)
    return parts
