"""Only answers are counted: what the model's turns that ask for tools cost is in no metric and on no account."""

from __future__ import annotations

from dataclasses import dataclass

from reference_agents.api.deps import Parts
from reference_agents.cost.accounts import Hold
from reference_agents.cost.till import Till
from reference_agents.flaws.replacing import as_kind
from reference_agents.llm.messages import Reply


@dataclass
class CountsAnswers(Till):
    async def enter(self, hold: Hold, reply: Reply) -> None:
        if reply.tool_calls:
            await self.accounts.release(hold)
        else:
            await super().enter(hold, reply)


def apply(parts: Parts) -> Parts:
    """Replace the till."""
    return parts.with_till(as_kind(CountsAnswers, parts.till))
