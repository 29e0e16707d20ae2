"""Heal: undo every fault on record, by hand."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.core.errors import EXIT_NOT_UNDONE, EXIT_PASS
from harness.faults.undo_log import UNCERTAIN_S, UndoLog


@dataclass(frozen=True)
class HealReport:
    """What was undone and what could not be, one line for people each."""

    undone: tuple[str, ...]
    failed: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """0 when nothing is left broken, else 3."""
        return EXIT_NOT_UNDONE if self.failed else EXIT_PASS


def heal(state: Path, *, timeout_s: float = 20.0, uncertain_s: float = UNCERTAIN_S) -> HealReport:
    """Undo everything on record under `state`; call it as often as you like.

    A step is tried for `timeout_s` seconds while the API is slow or broken. Records of faults that are
    undone are removed; those that could not be stay, so that the next call tries again.
    """
    log = UndoLog(state)
    undone: list[str] = []
    failed: list[str] = []
    for record in log.records():
        if not record.open:
            continue
        after = log.undo(record, by="heal", timeout_s=timeout_s, uncertain_s=uncertain_s)
        line = f"{after.kind} on {after.subject}: {after.detail}"
        (failed if after.open else undone).append(line)
    log.forget_undone()
    return HealReport(tuple(undone), tuple(failed))
