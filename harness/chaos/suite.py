"""The chaos suite: each experiment in a process of its own, one after the other."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

from harness.chaos.experiment import Experiment, find
from harness.chaos.job import Job
from harness.chaos.preflight import preflight
from harness.chaos.verdict import experiment_check
from harness.core.errors import EXIT_NOT_UNDONE, EXIT_PASS, EXIT_USAGE, ConfigError
from harness.core.events import Fault, SuiteEnded, SuiteStarted, proofs
from harness.faults.undo_log import UndoLog
from harness.targets.child import dying_with_us
from harness.targets.suite import SuiteContext

STATE = ".windtunnel"
SLACK_S = 90.0  # faults, witnesses, settling and undo on top of the phases and the deadline of a task
END_S = 40.0  # how long a runner that was told to stop may take to undo


class ChaosSuite:
    """Runs the experiments named, else those of windtunnel.toml, else every file."""

    name = "chaos"

    async def run(self, context: SuiteContext) -> None:
        """Raises ConfigError for a file that is wrong, before any fault is injected."""
        folder = context.config.path(context.config.suites.chaos.path)
        chosen = context.only or context.config.suites.chaos.experiments
        experiments = find(folder, chosen)
        for experiment in experiments:
            preflight(experiment)
        expects = tuple(experiment.name for experiment in experiments)
        proves = proofs(self.name, ((each.name, each.extension.proves) for each in experiments))
        files = {each.name: context.config.shown(each.path) for each in experiments}
        started = SuiteStarted(suite=self.name, expects=expects, proves=proves, files=files)
        context.recorder.emit(started, suite=self.name)
        state = context.config.path(STATE)
        UndoLog(state).forget_undone()
        for experiment in experiments:
            if context.stop.is_set():
                break
            await self._one(experiment, context, state)
        stopped = context.stop.is_set()
        context.recorder.emit(
            SuiteEnded(
                suite=self.name,
                outcome="interrupted" if stopped else "completed",
                detail="asked to stop by a signal" if stopped else "",
            ),
            suite=self.name,
        )

    async def _one(self, experiment: Experiment, context: SuiteContext, state: Path) -> None:
        job = Job.of(
            experiment.path,
            context.config,
            context.target,
            context.seed,
            run_dir=context.run_dir,
            state=state,
        )
        context.progress.step(f"chaos: {experiment.name}")
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "harness.chaos.runner",
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            start_new_session=True,  # Ctrl-C reaches it through its standard input, in order
            preexec_fn=dying_with_us(),  # and the watchdog undoes what it had begun
        )
        assert process.stdin is not None
        process.stdin.write(job.model_dump_json().encode() + b"\n")
        try:
            await process.stdin.drain()
        except ConnectionError:
            pass  # it is gone already; its exit code and its last words say why
        load = experiment.extension.load
        limit = experiment.planned_s + experiment.extension.settle_s + (load.deadline_s if load else 0) + SLACK_S
        errors = asyncio.create_task(_read(process))
        told = asyncio.create_task(self._narrate(process, experiment, context))
        overtime = False
        try:
            overtime = not await self._wait(process, context, limit)
        finally:
            if process.returncode is None:
                process.kill()  # the watchdog undoes what it leaves
            code = await process.wait()
            said = await errors
            told.cancel()
            await self._after(experiment, context, state, code)
        if code == EXIT_USAGE:
            raise ConfigError(said)
        if overtime or code not in (EXIT_PASS, EXIT_NOT_UNDONE):
            reason = f"it took longer than {limit:.0f} s" if overtime else said or f"it ended with {code}"
            check = experiment_check(experiment, "infra", [f"the experiment could not be run: {reason}"])
            context.recorder.emit(check, suite=self.name, scope=experiment.name)
        context.progress.line(f"chaos: {experiment.name} " + ("done" if code == EXIT_PASS else "[red]broke[/red]"))

    async def _wait(self, process: Process, context: SuiteContext, limit: float) -> bool:
        """True when it ended by itself or was asked to; False when it had to be ended for taking too long."""
        ended = asyncio.ensure_future(process.wait())
        stop = asyncio.ensure_future(context.stop.wait())
        try:
            done, _ = await asyncio.wait({ended, stop}, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
            if ended not in done:
                assert process.stdin is not None
                process.stdin.close()  # the orderly word to stop: it undoes and ends
                await asyncio.wait({ended}, timeout=END_S)
            return ended in done or stop in done
        finally:
            stop.cancel()
            if not ended.done():
                ended.cancel()

    async def _narrate(self, process: Process, experiment: Experiment, context: SuiteContext) -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            context.progress.step(f"chaos: {experiment.name}: {line.decode(errors='replace').strip()}")

    async def _after(self, experiment: Experiment, context: SuiteContext, state: Path, code: int) -> None:
        """After a runner that died, wait for the watchdog, and record what it undid."""
        log = UndoLog(state)
        mine = f"{context.run_dir.name}-{experiment.name}-"
        deadline = context.clock.monotonic() + END_S
        while any(r.open for r in log.records() if r.id.startswith(mine)) and code != EXIT_NOT_UNDONE:
            if context.clock.monotonic() > deadline:
                break
            await asyncio.sleep(0.1)
        for record in log.records():
            if record.id.startswith(mine) and record.by != "harness":
                context.recorder.emit(
                    Fault(
                        stage="undo_failed" if record.open else "undone",
                        fault=record.id,
                        kind=record.kind,
                        subject=record.subject,
                        detail=f"by the {record.by or 'watchdog'}: {record.detail}",
                    ),
                    suite=self.name,
                    scope=experiment.name,
                )
        log.forget_undone()


async def _read(process: Process) -> str:
    assert process.stderr is not None
    return (await process.stderr.read()).decode(errors="replace").strip()[-2000:]
