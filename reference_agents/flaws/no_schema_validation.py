"""Arguments and results go through unchecked, in the registry and in the tool itself."""

from __future__ import annotations

from dataclasses import dataclass

import jsonschema_rs

from reference_agents.registry.catalogue import Catalogue, Compiled
from reference_agents.registry.gateway import Gateway
from reference_agents.tools.service import ToolParts

ANYTHING = jsonschema_rs.Draft202012Validator({})


@dataclass
class Credulous(Catalogue):
    async def get(self, name: str) -> Compiled | None:
        found = await super().get(name)
        return None if found is None else Compiled(found.definition, ANYTHING, ANYTHING)


def apply_registry(gateway: Gateway) -> Gateway:
    """Replace the registry's catalogue."""
    gateway.catalogue = Credulous(gateway.catalogue.redis)
    return gateway


def apply_tool(parts: ToolParts) -> ToolParts:
    """Replace the tool's validator."""
    parts.validator = ANYTHING
    return parts
