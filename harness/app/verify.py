"""A run: suites against a target, then judgement, then reports."""

from __future__ import annotations

import asyncio
import importlib.metadata
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from rich.markup import escape

from harness.app.alerting import alert_rules, record_alerts
from harness.app.judgement import Judged, judge_run
from harness.app.readiness import check_settings
from harness.app.sampling import sampled
from harness.app.workspace import Workspace
from harness.core.clock import Clock
from harness.core.errors import EXIT_UNDECIDED, HarnessError
from harness.core.events import Note, RunEnded, RunStarted, SuiteEnded
from harness.core.seed import Seed
from harness.evidence.rundir import RunDir
from harness.targets.suite import Progress, Suite, SuiteContext
from harness.targets.target import Target


@dataclass(frozen=True)
class Request:
    """What was asked for on the command line. `suites` in the order in which they run."""

    suites: tuple[str, ...]
    command: str
    seed: int
    only: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    quick: bool = False


async def run_suites(
    workspace: Workspace,
    request: Request,
    target: Target,
    *,
    suites: Mapping[str, Callable[[], Suite]],
    tiers: Mapping[str, str],
    clock: Clock,
    progress: Progress,
    stop: asyncio.Event,
) -> Judged:
    """Run the suites one after the other, judge what they recorded, write the reports.

    A suite that breaks does not stop the others: what it could not decide becomes INFRA. When `stop` is set
    the rest is left out, and the report says so. Raises what a suite raised as ConfigError, after the report
    of everything before it is written: a mistake in a file must not cost the evidence already there.
    """
    rules = alert_rules(workspace)
    check_settings(request.suites, workspace.config, clock)
    run = RunDir.create(workspace.reports, clock=clock, seed=request.seed)
    mistake: HarnessError | None = None
    with run.recorder("run", clock) as recorder:
        recorder.emit(
            RunStarted(
                target=target.name,
                target_kind=target.kind,
                suites=request.suites,
                seed=request.seed,
                version=importlib.metadata.version("agent-windtunnel"),
                command=request.command,
                tiers=dict(tiers),
            )
        )
        async with sampled(target, workspace.config.target.metrics, recorder) as mark:
            for name in request.suites:
                if stop.is_set():
                    break
                context = SuiteContext(
                    config=workspace.config,
                    target=target,
                    recorder=recorder,
                    run_dir=run.path,
                    clock=clock,
                    seed=Seed(request.seed).derive(name),
                    progress=progress,
                    stop=stop,
                    only=request.only.get(name, ()),
                    quick=request.quick,
                )
                await mark(name)
                try:
                    await _one_suite(suites[name](), context)
                except HarnessError as error:
                    mistake = mistake or error
                if not stop.is_set():
                    await mark(name)
        stopped = stop.is_set()
        detail = "asked to stop by a signal" if stopped else str(mistake) if mistake else ""
        outcome = "interrupted" if stopped else "crashed" if mistake else "completed"
        if not stopped and rules:
            progress.step("alerts: evaluating the target's rules over the run")
            await record_alerts(workspace, rules, run, recorder, clock)
        recorder.emit(RunEnded(outcome=outcome, detail=detail))
    progress.step("judging the evidence and writing the report")
    judged = judge_run(run, config=workspace.config, clock=clock)
    if mistake is not None:
        mistake.add_note(f"what was learnt until then: {judged.run.path}")
        raise mistake
    return judged


async def _one_suite(suite: Suite, context: SuiteContext) -> None:
    """Run `suite`; whatever it dies of becomes evidence. Raises its HarnessError for a user's mistake."""
    name, recorder = suite.name, context.recorder
    context.progress.step(f"{name}: starting")
    try:
        await suite.run(context)
    except HarnessError as error:
        recorder.emit(SuiteEnded(suite=name, outcome="infra", detail=str(error)), suite=name)
        if error.exit_code != EXIT_UNDECIDED:
            raise
        context.progress.line(f"[yellow]{name}: {escape(error.message)}[/yellow]")
    except Exception as error:
        text = "".join(traceback.format_exception(error))
        recorder.emit(Note(level="error", text=text), suite=name)
        detail = f"the harness broke: {type(error).__name__}: {error}"
        recorder.emit(SuiteEnded(suite=name, outcome="infra", detail=detail), suite=name)
        context.progress.line(f"[yellow]{name}: {escape(detail)}[/yellow] (the trace is in the run directory)")
