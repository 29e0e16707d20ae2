"""Judges the target's own alert rules over the run that has just been."""

from __future__ import annotations

from harness.app.workspace import Workspace
from harness.core.clock import Clock
from harness.core.errors import InfraError
from harness.core.events import Alert
from harness.evidence.alerts.evaluate import alerts
from harness.evidence.alerts.rules import Rule, read_rules
from harness.evidence.recorder import FileRecorder
from harness.evidence.rundir import RunDir


def alert_rules(workspace: Workspace) -> tuple[Rule, ...]:
    """The rules that windtunnel.toml names; none where it names none. Raises ConfigError."""
    settings = workspace.config.target.alerts
    return read_rules(workspace.config.path(settings.rules)) if settings.rules else ()


async def record_alerts(
    workspace: Workspace, rules: tuple[Rule, ...], run: RunDir, recorder: FileRecorder, clock: Clock
) -> None:
    """Record when each rule fired, as of then. That Prometheus failed is recorded too, and is nobody's failure."""
    if not rules:
        return
    scale = workspace.config.target.alerts.time_scale
    events = run.events()
    try:
        found = await alerts(events, rules, scale=scale, now=clock.wall().timestamp())
    except (InfraError, TimeoutError) as error:
        found = [(Alert(stage="unjudged", detail=str(error) or type(error).__name__), events[-1].t)]
    recorder.write([(body, run.meta.t0 + t) for body, t in found])
