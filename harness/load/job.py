"""What the generator's process is told: one JSON file in the run directory."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from harness.core.config import TasksApi
from harness.load.profile import Profile

SUITE = "load"


class Job(BaseModel):
    """The whole of one load run. `run_dir` is where its history is written."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run_dir: Path
    service: str
    url: str
    api: TasksApi
    headers: dict[str, str]
    profile: Profile
    seed: int  # Seed.number() of the suite's seed: the schedule derives from it
    unique: str  # keeps keys and sessions apart from those of other runs
