"""The bench that one experiment runs on: its load, its faults, its phases. Actions and probes work on it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from harness.chaos.background import BackgroundLoad
from harness.chaos.experiment import Experiment
from harness.core.clock import Clock
from harness.core.errors import ConfigError, HarnessError, InfraError
from harness.core.events import Phase
from harness.evidence.recorder import Recorder
from harness.faults.fault import Site
from harness.faults.injector import Injector

SUITE = "chaos"
SETTLE = "settle"  # clients see their tasks end; its end is recorded only when they had the time to


class Bench:
    """Made by the runner (or by the control under a plain `chaos run`), one an experiment.

    `stop` is set when the experiment is to end early: waiting actions then raise at once.
    """

    def __init__(
        self,
        experiment: Experiment,
        site: Site,
        injector: Injector,
        load: BackgroundLoad | None,
        recorder: Recorder,
        clock: Clock,
        stop: threading.Event,
    ) -> None:
        self.experiment = experiment
        self.site = site
        self.injector = injector
        self.load = load
        self.recorder = recorder
        self.clock = clock
        self.stop = stop
        self.phase = ""
        self.failed = False  # an injection that did not work: what would follow is no evidence

    def enter(self, phase: str) -> None:
        """Close the phase that is open and open `phase`; empty opens none."""
        if phase == self.phase:
            return
        rate = self.experiment.extension.load.rate if self.experiment.extension.load else None
        if self.phase:
            self._emit(Phase(name=self.phase, edge="end", rate=rate))
        self.phase = phase
        if phase:
            self._emit(Phase(name=phase, edge="start", rate=rate, measured=phase != SETTLE))

    def observe(self, phase: str, seconds: float) -> float:
        """Stay in `phase` for `seconds`; returns how long it was. Raises InfraError when stopped earlier."""
        if self.failed:
            raise InfraError("skipped: a fault before it was not injected or not witnessed")
        self.enter(phase)
        began = self.clock.monotonic()
        if self.stop.wait(seconds):
            raise InfraError(f"stopped in phase {phase}, {seconds:g} s were planned")
        return self.clock.monotonic() - began

    def inject(self, kind: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """Inject one fault and wait for its witness; returns what was measured.

        Raises InfraError where the fault could not be put in, or nobody saw it: a fault without a witness
        proves nothing, whatever the target does afterwards.
        """
        if self.stop.is_set() or self.failed:
            raise InfraError("stopped before the fault was injected")
        self.enter("during")
        try:
            active = self.injector.inject(kind, params)
        except HarnessError:
            self.failed = True
            raise
        seen = self.injector.witness(active)
        if not active.injection.undo:
            self.injector.undo(active)  # it heals by itself; this closes its record
        if not seen.seen:
            self.failed = True
            raise InfraError(f"{kind} was injected, but not witnessed: {seen.detail}")
        return {"fault": active.id, "witness": seen.witness, "measured": dict(seen.measured)}

    def undo(self) -> int:
        """Take every active fault back; returns how many. Raises InfraError for one that stays."""
        count = len(self.injector.active)
        if not self.injector.undo_all():
            left = ", ".join(fault.injection.subject for fault in self.injector.active)
            raise InfraError(f"could not be undone: {left}", hint="windtunnel heal")
        return count

    def _emit(self, phase: Phase) -> None:
        self.recorder.emit(phase, suite=SUITE, scope=self.experiment.name)


_current: Bench | None = None


def set_bench(bench: Bench | None) -> None:
    """Make `bench` the one that actions and probes of this process work on."""
    global _current
    _current = bench


def bench() -> Bench:
    """The bench in use. Raises ConfigError outside an experiment of ours."""
    if _current is None:
        raise ConfigError(
            "this experiment needs the windtunnel's bench", hint="windtunnel chaos EXPERIMENT runs it on one"
        )
    return _current
