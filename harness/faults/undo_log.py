"""The undo log: how to take a fault back, on disk and synced before the fault exists.

One file a fault, `<state>/undo/<id>.json`. Its stage goes written -> injected -> undone (or failed), each
step an atomic, synced replacement. Standard library only: the watchdog reads it too.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.faults.undo_steps import Step, StepError, carry_out, from_json, to_json

FOLDER = "undo"
UNCERTAIN_S = 6.0  # how long an injection whose outcome is unknown may still take effect


@dataclass(frozen=True)
class UndoRecord:
    """One fault on record. `stage`: written, injected, undone or failed; `by` says who undid it.

    `order` counts up over a state folder. A fault injected on top of another restores that other one when it
    is undone, so faults are undone in reverse order.
    """

    id: str
    kind: str
    subject: str
    steps: tuple[Step, ...]
    stage: str = "written"
    by: str = ""
    detail: str = ""
    order: int = 0

    @property
    def open(self) -> bool:
        """True while something may still be broken."""
        return self.stage != "undone"


class UndoLog:
    """The records under `<state>/undo`."""

    def __init__(self, state: Path) -> None:
        self.folder = state / FOLDER

    def write(self, record: UndoRecord) -> UndoRecord:
        """Put `record` on disk; when this returns it survives SIGKILL and a power cut.

        Returns it as written: a new one gets its place in the order here.
        """
        if not record.id or "/" in record.id or record.id.startswith("."):
            raise ValueError(f"{record.id!r} cannot be the name of an undo record")
        self.folder.mkdir(parents=True, exist_ok=True)
        if not record.order:
            last = max((other.order for other in self.records()), default=0)
            record = replace(record, order=last + 1)
        row = {
            "v": 1,
            "id": record.id,
            "kind": record.kind,
            "subject": record.subject,
            "stage": record.stage,
            "by": record.by,
            "detail": record.detail,
            "order": record.order,
            "steps": [to_json(step) for step in record.steps],
        }
        path = self.folder / f"{record.id}.json"
        temporary = self.folder / f".{record.id}.{os.getpid()}.{threading.get_ident()}"
        with temporary.open("w") as stream:
            json.dump(row, stream)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return record

    def records(self) -> list[UndoRecord]:
        """Every record in the order in which to undo: the last first. One that cannot be read is a record
        that failed: it is never passed over."""
        rows = [_read(path) for path in self.folder.glob("[!.]*.json")]
        return sorted(rows, key=lambda record: (-record.order, record.id))

    def get(self, fault: str) -> UndoRecord | None:
        """The record of one fault, if there is one."""
        path = self.folder / f"{fault}.json"
        return _read(path) if path.exists() else None

    def injected(self, record: UndoRecord) -> UndoRecord:
        """Mark that the injection came back as done: one undo now suffices."""
        return self.write(replace(record, stage="injected"))

    def undo(
        self,
        record: UndoRecord,
        *,
        by: str,
        timeout_s: float = 30.0,
        uncertain_s: float = UNCERTAIN_S,
        pause: Callable[[float], object] | None = None,
    ) -> UndoRecord:
        """Carry out the steps of `record`, last first, and mark it. Returns the record as it is then.

        Where nobody knows whether the injection happened (stage `written`), its request may still be under
        way inside a slow API: the steps are repeated for `uncertain_s` seconds, so that a fault that arrives
        late is taken back as well. Every step is tried, also when one before it failed.
        """
        if not record.open or (record.stage == "failed" and not record.steps):
            return record  # the latter is a file nobody can read: kept as it is, for a person
        wait = pause or threading.Event().wait
        until = time.monotonic() + (uncertain_s if record.stage == "written" else 0.0)
        while True:
            said, failed = self._pass(record.steps, timeout_s, wait)
            if failed or time.monotonic() >= until:
                break
            wait(0.2)
        if failed:
            return self.write(replace(record, stage="failed", by=by, detail="; ".join(failed)))
        return self.write(replace(record, stage="undone", by=by, detail="; ".join(said)))

    def _pass(
        self, steps: Sequence[Step], timeout_s: float, pause: Callable[[float], object]
    ) -> tuple[list[str], list[str]]:
        said: list[str] = []
        failed: list[str] = []
        for step in reversed(steps):
            try:
                said.append(carry_out(step, timeout_s=timeout_s, pause=pause))
            except StepError as error:
                failed.append(str(error))
        return said, failed

    def forget_undone(self) -> None:
        """Remove the records of faults that are undone."""
        for record in self.records():
            if not record.open:
                (self.folder / f"{record.id}.json").unlink(missing_ok=True)


def _read(path: Path) -> UndoRecord:
    try:
        row: dict[str, Any] = json.loads(path.read_text())
        return UndoRecord(
            id=path.stem,
            kind=str(row["kind"]),
            subject=str(row["subject"]),
            steps=tuple(from_json(step) for step in row["steps"]),
            stage=str(row["stage"]),
            by=str(row.get("by", "")),
            detail=str(row.get("detail", "")),
            order=int(row.get("order", 0)),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        detail = f"{path} cannot be read: {error}"
        return UndoRecord(path.stem, "unknown", str(path), (), stage="failed", detail=detail)
