"""Reports: one writer a file, each made from the run directory alone."""

from __future__ import annotations

from harness.evidence.rundir import RunDir
from harness.reports.registry import WRITERS

__all__ = ["WRITERS", "write_reports"]


def write_reports(run: RunDir) -> None:
    """Write every report of `run` into its folder, from its events and findings. Judges nothing."""
    from harness.reports.view import view_of

    WRITERS.discover("harness.reports.writers")
    view = view_of(run)
    for _, writer in WRITERS:
        writer(view, run.path)
