"""The span of a model call says that it happened, and not what it cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from reference_agents.api.deps import Parts
from reference_agents.common import spans
from reference_agents.common.settings import Model
from reference_agents.flaws.replacing import as_kind
from reference_agents.llm.messages import Message, Reply, ToolSpec
from reference_agents.llm.wire import Wire


@dataclass(frozen=True)
class Uncounted(Wire):
    async def ask(
        self, model: Model, messages: Sequence[Message], tools: Sequence[ToolSpec], *, max_tokens: int, within_s: float
    ) -> Reply:
        with spans.span(
            f"chat {model.name}", "client", gen_ai__operation__name="chat", gen_ai__request__model=model.name
        ):
            return await self._ask(model, messages, tools, max_tokens, within_s)


def apply(parts: Parts) -> Parts:
    """Replace the wire to the models."""
    return parts.with_llm(replace(parts.llm, wire=as_kind(Uncounted, parts.llm.wire)))
