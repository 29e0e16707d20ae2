"""`windtunnel contracts record` and `diff`: the live contracts against those in git."""

from __future__ import annotations

import asyncio
from pathlib import Path

from rich.console import Console

from harness.app.progress import ConsoleProgress
from harness.app.stack import open_stack
from harness.app.workspace import open_workspace
from harness.contracts import baseline
from harness.core.clock import RealClock
from harness.core.errors import EXIT_FAIL, EXIT_PASS


def baseline_command(config: Path | None, action: str, only: tuple[str, ...]) -> int:
    """Write the baselines of the live services, or print how these differ; 1 when something breaks."""
    return asyncio.run(_run(config, action, only))


async def _run(config: Path | None, action: str, only: tuple[str, ...]) -> int:
    workspace = open_workspace(config)
    progress = ConsoleProgress(Console(stderr=True), RealClock())
    try:
        async with open_stack(workspace, progress=progress, stop=asyncio.Event(), clock=RealClock()) as stack:
            if action == "record":
                for path in await baseline.record(workspace.config, stack.target, only=only):
                    progress.line(f"recorded {path}")
                return EXIT_PASS
            differences = await baseline.diff(workspace.config, stack.target, only=only)
    finally:
        progress.close()
    print(baseline.markdown(differences))
    return EXIT_FAIL if any(difference.breaking for difference in differences) else EXIT_PASS
