"""No supervision: an agent that does not answer at once has failed."""

from __future__ import annotations

from dataclasses import replace

from reference_agents.orchestrator.deps import OrchestratorParts


def apply_orchestrator(parts: OrchestratorParts) -> OrchestratorParts:
    """Replace the supervisor by one with a single attempt."""
    nodes = parts.orchestrator.nodes
    nodes.supervisor = replace(nodes.supervisor, attempts=1)
    return parts
