"""The readiness checklist as it lies in a run directory: readiness.json."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from harness.core.findings import Evidence
from harness.core.verdict import Verdict

FILE = "readiness.json"


class DecidedItem(BaseModel):
    """One item. `how` is what to run for evidence; `waived` why it is gone without, until when."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    area: str
    title: str
    verdict: Verdict
    summary: str
    evidence: tuple[Evidence, ...] = ()
    fix: str = ""
    how: str = ""
    runs: tuple[str, ...] = ()
    waived: str = ""
    required: bool = True


class Decided(BaseModel):
    """The whole checklist: how many items hold by evidence, and what the gate says of those that are required."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    holding: int
    of: int
    gate: Verdict
    runs: tuple[str, ...]
    items: tuple[DecidedItem, ...]


def read_decided(folder: Path) -> Decided | None:
    """The checklist of a run; None where it was not decided."""
    file = folder / FILE
    return Decided.model_validate_json(file.read_text()) if file.is_file() else None
