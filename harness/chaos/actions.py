"""Actions of experiment files (`module: harness.chaos.actions`)."""

from __future__ import annotations

from typing import Any

from harness.chaos.bench import bench


def observe(phase: str, seconds: float) -> float:
    """Let the load run for `seconds` and count what happens to `phase` (before, during, after)."""
    return bench().observe(phase, float(seconds))


def inject(fault: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
    """Inject a fault of harness.faults by name; done once it is witnessed."""
    return dict(bench().inject(fault, params or {}))


def undo() -> int:
    """Take back every fault that is active; returns how many there were."""
    return bench().undo()
