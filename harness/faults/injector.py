"""The life of a fault: planned, undo on disk, injected, witnessed, undone; each stage an event.

plan ──> blast radius ──> undo log (fsync) ──> inject ──> witness ──> ... ──> undo
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from harness.core.errors import HarnessError, InfraError
from harness.core.events import Fault
from harness.evidence.recorder import Recorder
from harness.faults.blast_radius import BlastRadius
from harness.faults.fault import FAULTS, Injection, Site, Witnessed, plan
from harness.faults.undo_log import UNCERTAIN_S, UndoLog, UndoRecord


@dataclass(frozen=True)
class ActiveFault:
    """A fault that is in, with its record in the undo log."""

    id: str
    injection: Injection
    record: UndoRecord


class Injector:
    """Injects faults at `site`, one experiment's worth. `undo_all` must be the last call, whatever happened.

    `ids` names each injection; ids must be unique in the state folder. `say` shows the plan before anything
    is touched.
    """

    def __init__(
        self,
        site: Site,
        log: UndoLog,
        recorder: Recorder,
        radius: BlastRadius,
        *,
        scope: str,
        ids: Callable[[str], str],
        suite: str = "chaos",
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.active: list[ActiveFault] = []
        self._site = site
        self._log = log
        self._recorder = recorder
        self._radius = radius
        self._scope = scope
        self._suite = suite
        self._ids = ids
        self._say = say

    def plan(self, kind: str, params: Mapping[str, Any]) -> Injection:
        """Plan and check against the blast radius, together with what is active; touches nothing."""
        injection = plan(kind, params, self._site)
        self._radius.check([*(fault.injection for fault in self.active), injection], self._site)
        return injection

    def inject(self, kind: str, params: Mapping[str, Any]) -> ActiveFault:
        """Put one fault in. Raises ConfigError before anything is touched, InfraError when it did not work;
        then it is undone already, should it have taken effect after all."""
        injection = self.plan(kind, params)
        fault = self._ids(kind)
        self._say(f"{kind} on {injection.subject}")
        self._emit(fault, "planned", injection)
        record = self._log.write(UndoRecord(fault, kind, injection.subject, injection.undo))
        self._emit(fault, "undo_written", injection)
        active = ActiveFault(fault, injection, record)
        self.active.append(active)
        try:
            FAULTS.get(kind)().inject(injection, self._site)
        except HarnessError as error:
            self._emit(fault, "not_witnessed", injection, detail=f"not injected: {error.message}")
            self.undo(active, uncertain_s=0.0 if error.definite else UNCERTAIN_S)
            raise
        self._replace(active, ActiveFault(fault, injection, self._log.injected(record)))
        self._emit(fault, "injected", injection)
        return self.active[-1]

    def witness(self, active: ActiveFault) -> Witnessed:
        """Measure that the fault is there. A measurement that broke is one that saw nothing."""
        injection = active.injection
        try:
            seen = FAULTS.get(injection.kind)().witness(injection, self._site)
        except InfraError as error:
            seen = Witnessed("none", False, {}, f"the witness failed: {error.message}")
        self._recorder.emit(
            Fault(
                stage="witnessed" if seen.seen else "not_witnessed",
                fault=active.id,
                kind=injection.kind,
                subject=injection.subject,
                witness=seen.witness,
                measured=dict(seen.measured),
                detail=seen.detail,
            ),
            suite=self._suite,
            scope=self._scope,
        )
        return seen

    def undo(self, active: ActiveFault, *, uncertain_s: float = UNCERTAIN_S, timeout_s: float = 20.0) -> bool:
        """Take one fault back; True when it is gone. Safe to repeat."""
        if active not in self.active:
            return True
        after = self._log.undo(active.record, by="harness", timeout_s=timeout_s, uncertain_s=uncertain_s)
        stage = "undo_failed" if after.open else "undone"
        detail = after.detail or "nothing to take back: it heals by itself"
        self._emit(active.id, stage, active.injection, detail=detail)
        if not after.open:
            self.active.remove(active)
        return not after.open

    def undo_all(self) -> bool:
        """Take every fault back, the last first; True when all are gone."""
        for active in reversed(list(self.active)):
            self.undo(active)
        return not self.active

    def _replace(self, old: ActiveFault, new: ActiveFault) -> None:
        self.active[self.active.index(old)] = new

    def _emit(self, fault: str, stage: Any, injection: Injection, *, detail: str = "") -> None:
        self._recorder.emit(
            Fault(
                stage=stage,
                fault=fault,
                kind=injection.kind,
                subject=injection.subject,
                params=injection.params.model_dump(mode="json") if stage == "planned" else {},
                detail=detail,
            ),
            suite=self._suite,
            scope=self._scope,
        )
