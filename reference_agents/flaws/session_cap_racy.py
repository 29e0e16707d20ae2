"""The session's cap is looked at, then spent: tasks that look at the same time all find room."""

from __future__ import annotations

from dataclasses import replace

from reference_agents.api.deps import Parts
from reference_agents.cost.accounts import Accounts, Hold, NoRoom
from reference_agents.cost.till import Till
from reference_agents.orchestrator.deps import OrchestratorParts


class CheckThenAct(Accounts):
    async def reserve(self, hold: Hold, *, cap: int, for_s: float) -> None:
        account = await self.of_session(hold.payer.session_id)
        spent = sum(row.prompt + row.completion for row in account.models.values())
        if spent + hold.tokens > cap:
            raise NoRoom(spent, 0)


def apply(parts: Parts) -> Parts:
    """Replace the accounts."""
    return parts.with_till(_racy(parts.till))


def apply_orchestrator(parts: OrchestratorParts) -> OrchestratorParts:
    """Replace the accounts."""
    return parts.with_till(_racy(parts.till))


def _racy(till: Till) -> Till:
    return replace(till, accounts=CheckThenAct(till.accounts.redis, till.clock))
