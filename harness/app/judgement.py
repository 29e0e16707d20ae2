"""From a run directory to a verdict: every checker over the events, then every report writer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.app.readiness import keep_with
from harness.core.clock import Clock, RealClock
from harness.core.config import Config
from harness.core.errors import EXIT_NOT_UNDONE
from harness.core.events import Event, Fault
from harness.core.findings import CHECKERS, Finding, judge, verdict_of
from harness.core.verdict import Verdict, exit_code
from harness.evidence.rundir import RunDir
from harness.reports import write_reports


@dataclass(frozen=True)
class Judged:
    """What a run came to; `run.path` holds its reports."""

    run: RunDir
    findings: tuple[Finding, ...]
    verdict: Verdict
    exit_code: int


def judge_run(run: RunDir, *, config: Config | None = None, clock: Clock | None = None) -> Judged:
    """Judge the events of `run` anew and write findings.json, every report, and for a run of every suite the
    readiness checklist.

    `config` says which suites are required; without it, as for a run brought from elsewhere, all are.
    """
    CHECKERS.discover("harness.checkers")
    events = run.events()
    findings = judge(events)
    run.write_findings(findings)
    verdict = verdict_of(_counted(findings, config))
    code = EXIT_NOT_UNDONE if _left_broken(events) else exit_code(verdict)
    if config is not None:
        keep_with(run, config, clock or RealClock())
    write_reports(run)
    return Judged(run, findings, verdict, code)


def _counted(findings: Sequence[Finding], config: Config | None) -> list[Finding]:
    """The findings that the exit code counts: what an optional suite did not run weighs nothing."""
    if config is None:
        return list(findings)
    optional = {
        name for name in ("contracts", "scenarios", "load", "chaos") if not getattr(config.suites, name).required
    }
    return [f for f in findings if not (f.suite in optional and f.verdict is Verdict.NOT_RUN)]


def _left_broken(events: Sequence[Event]) -> bool:
    """True when a fault was injected and the last word on it is not that it was undone."""
    last: dict[str, str] = {}
    for event in events:
        if isinstance(event.body, Fault) and event.body.stage in ("injected", "undone", "undo_failed"):
            last[event.body.fault] = event.body.stage
    return any(stage != "undone" for stage in last.values())
