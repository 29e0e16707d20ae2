"""Assertions, one file each: parameters as written in YAML, and a pure judgement of an observation."""

from __future__ import annotations

from typing import Protocol

from pydantic import BaseModel, ConfigDict

from harness.scenarios.observation import Claim, Observation


class Parameters(BaseModel):
    """What an assertion is written with. Frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Judged(Protocol):
    """An assertion: `judge` reads the observation and nothing else."""

    def judge(self, seen: Observation) -> Claim: ...


__all__ = ["Judged", "Parameters"]
