"""`effects`: what the tools really did, by their own ledgers."""

from __future__ import annotations

from collections import Counter

from pydantic import Field, JsonValue

from harness.scenarios.observation import Claim, EffectSeen, Observation
from harness.scenarios.then import Parameters


class Effects(Parameters):
    """How many effects a tool left, and that none of them happened twice.

    Two effects are the same when they share their idempotency key, or, without one, task and arguments.
    """

    tool: str
    exactly: int | None = Field(None, ge=0)
    at_least: int | None = Field(None, ge=0)
    at_most: int | None = Field(None, ge=0)
    once: bool = Field(True, description="no effect may have happened twice")

    def judge(self, seen: Observation) -> Claim:
        if seen.effects is None:
            return Claim(None, "no ledger could be read")
        rows = [effect for effect in seen.effects if effect.tool == self.tool and effect.outcome == "ok"]
        shown: list[JsonValue] = [
            {"task_id": row.task_id, "key": row.idempotency_key, "arguments": row.arguments_sha256} for row in rows
        ]
        count = len(rows)
        if self.exactly is not None and count != self.exactly:
            return Claim(False, f"{count} effects of {self.tool}, exactly {self.exactly} expected", shown)
        if self.at_least is not None and count < self.at_least:
            return Claim(False, f"{count} effects of {self.tool}, at least {self.at_least} expected", shown)
        if self.at_most is not None and count > self.at_most:
            return Claim(False, f"{count} effects of {self.tool}, at most {self.at_most} expected", shown)
        twice = [key for key, n in Counter(_identity(row) for row in rows).items() if n > 1]
        if self.once and twice:
            return Claim(False, f"an effect of {self.tool} happened twice: {twice[0]}", shown)
        return Claim(True, f"{count} effects of {self.tool}, none twice", shown)


def _identity(row: EffectSeen) -> str:
    return row.idempotency_key or f"{row.task_id}/{row.arguments_sha256}"
