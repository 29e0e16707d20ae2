"""The registry lets every agent call every tool."""

from __future__ import annotations

from dataclasses import dataclass

from reference_agents.flaws.replacing import as_kind
from reference_agents.registry.gateway import Gateway


@dataclass
class OpenGateway(Gateway):
    def may(self, agent: str, tool: str) -> bool:
        return True


def apply_registry(gateway: Gateway) -> Gateway:
    """Replace the gateway."""
    return as_kind(OpenGateway, gateway)
