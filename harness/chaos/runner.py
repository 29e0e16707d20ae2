"""Runs one experiment in a process of its own: `python -m harness.chaos.runner`, the job on standard input.

    suite ──job──> runner ── Chaos Toolkit (main thread) ──> actions ──> injector ──> target
                     ├── background load (a thread with its loop) ─────────────────────> target
                     └── lease ──> watchdog (own session)

Chaos Toolkit needs the main thread for its signal handlers. The end of standard input says that the suite is
gone or wants an end: the runner then stops early and undoes. Lines on standard output are progress for people.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator

import httpx

from harness.chaos import evidence
from harness.chaos.background import BackgroundLoad
from harness.chaos.bench import SETTLE, SUITE, Bench, set_bench
from harness.chaos.experiment import read
from harness.chaos.job import Job
from harness.chaos.toolkit import run_document, tolerated
from harness.chaos.verdict import experiment_check, rule
from harness.core.clock import RealClock
from harness.core.errors import EXIT_NOT_UNDONE, EXIT_PASS, HarnessError
from harness.evidence.recorder import Recorder
from harness.evidence.rundir import RunDir
from harness.faults.fault import Site
from harness.faults.injector import Injector
from harness.faults.lease import Lease
from harness.faults.undo_log import UndoLog


def run(job: Job, stop: threading.Event) -> int:
    """Run the job's experiment and record what it came to. Returns 0, or 3 where a fault stays.

    Raises HarnessError for an experiment that cannot begin; nothing was touched then.
    """
    clock = RealClock()
    experiment = read(job.experiment)
    target = job.target()
    seed = job.randomness()
    log = UndoLog(job.state)
    with contextlib.ExitStack() as stack:
        recorder = stack.enter_context(RunDir.open(job.run_dir).recorder(f"chaos-{experiment.name}", clock))
        http = stack.enter_context(httpx.Client(timeout=10, trust_env=False))
        site = Site(
            target=target,
            http=http,
            clock=clock,
            pause=stop.wait,
            rng=seed.derive("victims").rng(),
            state_file=job.cluster_state or "",
        )
        numbers = itertools.count(1)
        injector = Injector(
            site,
            log,
            recorder,
            job.radius(),
            scope=experiment.name,
            ids=lambda kind: f"{job.unique}-{next(numbers)}-{kind}",
            say=lambda text: say(f"injecting {text}"),
        )
        stack.enter_context(Lease(job.state))  # left after everything below: it has the last word
        gathering = evidence.Gathering(target, recorder, experiment)
        gathering.pass_over()
        headers = stack.enter_context(evidence.llm_session(target, http, experiment, job.unique))
        load = None
        phase = _Phase()
        if experiment.extension.load is not None:
            load = BackgroundLoad(
                experiment.extension.load,
                target,
                recorder,
                clock,
                seed,
                scope=experiment.name,
                unique=job.unique,
                phase=phase,
                headers=headers,
            )
        bench = Bench(experiment, site, injector, load, recorder, clock, stop)
        phase.bench = bench
        return _on(bench, gathering, recorder)


class _Phase:
    """The phase that the bench is in, for the load, which is made before the bench."""

    bench: Bench | None = None

    def __call__(self) -> str:
        return self.bench.phase if self.bench else ""


def _on(bench: Bench, gathering: evidence.Gathering, recorder: Recorder) -> int:
    experiment = bench.experiment
    interrupted = False
    journal = None
    try:
        set_bench(bench)
        if bench.load:
            bench.load.start()
        with _signals(bench.stop):
            journal = run_document(experiment, say=say, stop=bench.stop.set)
        interrupted = bench.stop.is_set()
    finally:
        set_bench(None)
        # Whatever came: undo first, then let the clients finish.
        undone = bench.injector.undo_all()
        bench.enter("")
        if bench.load:
            bench.load.stop()
            say("settling")
            bench.enter(SETTLE)
            bench.load.settle(experiment.extension.settle_s, bench.stop)
            if not bench.stop.is_set():
                bench.enter("")
            bench.load.close()
        gathering.collect()
    _record(bench, journal, recorder, interrupted=interrupted)
    return EXIT_PASS if undone else EXIT_NOT_UNDONE


def _record(bench: Bench, journal: object, recorder: Recorder, *, interrupted: bool) -> None:
    experiment = bench.experiment
    document = journal if isinstance(journal, dict) else None
    outcome, rulings = rule(experiment.document, document, tolerated)
    texts = [ruling.text for ruling in rulings]
    if bench.load is not None and bench.load.submitted == 0 and outcome == "pass":
        outcome, texts = "inconclusive", ["no task was submitted: nothing was observed"]
    if interrupted and outcome == "pass":
        outcome, texts = "infra", ["it was stopped early"]
    recorder.emit(experiment_check(experiment, outcome, texts), suite=SUITE, scope=experiment.name)


@contextlib.contextmanager
def _signals(stop: threading.Event) -> Iterator[None]:
    """SIGTERM and SIGINT set `stop`, also when Chaos Toolkit's own handlers swallow them."""
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number in before:
            # Not the default: a second signal must not cut the undo short.
            signal.signal(number, lambda *_: stop.set())


def say(text: str) -> None:
    """One line of progress to whoever reads standard output."""
    try:
        print(text, flush=True)
    except (OSError, ValueError):
        pass  # nobody listens any more; the undo goes on


def _line() -> bytes:
    """One line of standard input, unbuffered: a thread that waits in a buffered reader blocks the exit."""
    data = b""
    while not data.endswith(b"\n") and (chunk := os.read(0, 65536)):
        data += chunk
    return data


def main() -> int:
    logging.disable(logging.CRITICAL)  # the run directory is the record; Chaos Toolkit's log repeats it
    try:
        job = Job.model_validate_json(_line())
    except ValueError as error:
        print(f"no job on standard input: {error}", file=sys.stderr)
        return 64
    stop = threading.Event()

    def watch_parent() -> None:
        while os.read(0, 4096):
            pass
        stop.set()

    threading.Thread(target=watch_parent, daemon=True).start()
    try:
        return run(job, stop)
    except HarnessError as error:
        print(str(error), file=sys.stderr)
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
