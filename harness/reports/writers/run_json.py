"""run.json: the whole view, for programs."""

from __future__ import annotations

from pathlib import Path

from pydantic import TypeAdapter

from harness.evidence.rundir import write_atomically
from harness.reports.registry import WRITERS
from harness.reports.view import View


@WRITERS.register("run.json")
def write(view: View, folder: Path) -> None:
    """Write run.json."""
    write_atomically(folder / "run.json", TypeAdapter(View).dump_json(view, indent=1).decode() + "\n")
