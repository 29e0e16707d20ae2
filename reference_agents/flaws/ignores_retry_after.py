"""Retry-After is not read: a provider that asks for quiet is asked again after the usual pause."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from reference_agents.api.deps import Parts
from reference_agents.common.settings import Model
from reference_agents.flaws.replacing import as_kind
from reference_agents.llm.errors import Transient
from reference_agents.llm.messages import Message, Reply, ToolSpec
from reference_agents.llm.wire import Wire


@dataclass(frozen=True)
class DeafWire(Wire):
    async def ask(
        self, model: Model, messages: Sequence[Message], tools: Sequence[ToolSpec], *, max_tokens: int, within_s: float
    ) -> Reply:
        try:
            return await super().ask(model, messages, tools, max_tokens=max_tokens, within_s=within_s)
        except Transient as error:
            raise Transient(error.reason) from None


def apply(parts: Parts) -> Parts:
    """Replace the wire."""
    return parts.with_llm(replace(parts.llm, wire=as_kind(DeafWire, parts.llm.wire)))
