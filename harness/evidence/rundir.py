"""The run directory: what lies where, and how it is read again."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from harness.core.clock import Clock
from harness.core.errors import ConfigError
from harness.core.events import SCHEMA_VERSION, Event, RunStarted, SuiteStarted
from harness.core.findings import Finding
from harness.evidence.recorder import Axis, FileRecorder

EVENTS = "events.ndjson"
META = "meta.json"
FINDINGS = "findings.json"


class Meta(BaseModel):
    """What every process that joins a run must know: its id and where its time axis begins."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    v: int = SCHEMA_VERSION
    run_id: str
    t0: float  # clock.monotonic where the run began
    started: str  # RFC 3339, UTC
    seed: int


@dataclass(frozen=True)
class RunDir:
    """One run's folder, `reports/<run-id>/`."""

    path: Path
    meta: Meta

    @classmethod
    def create(cls, root: Path, *, clock: Clock, seed: int) -> RunDir:
        """Make a new folder under `root`, named by the date, with a number behind it where two runs meet."""
        started = clock.wall()
        stem = started.strftime("%Y%m%d-%H%M%S")
        root.mkdir(parents=True, exist_ok=True)
        for n in range(1000):
            run_id = stem if n == 0 else f"{stem}-{n}"
            try:
                (root / run_id).mkdir()
                break
            except FileExistsError:
                continue
        else:
            raise ConfigError(f"a thousand runs began in the same second under {root}")
        meta = Meta(
            run_id=run_id,
            t0=clock.monotonic(),
            started=started.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            seed=seed,
        )
        path = root / run_id
        write_atomically(path / META, meta.model_dump_json(indent=2) + "\n")
        return cls(path, meta)

    @classmethod
    def open(cls, path: Path) -> RunDir:
        """Join or read an existing run. Raises ConfigError when `path` is none."""
        try:
            return cls(path, Meta.model_validate_json((path / META).read_text()))
        except FileNotFoundError:
            raise ConfigError(
                f"{path} is not a run directory: it has no {META}",
                hint="give a folder under reports/, or `latest`",
            ) from None
        except ValidationError as error:
            raise ConfigError(f"not written by this version: {error.errors()[0]['msg']}", file=path / META) from None

    def recorder(self, writer: str, clock: Clock) -> FileRecorder:
        """A recorder on this run's axis; `writer` names the process, e.g. `load` or `chaos`."""
        return FileRecorder(self.path / EVENTS, clock=clock, axis=Axis(self.meta.t0), writer=writer)

    def events(self) -> list[Event]:
        """Every event in order of `t`. A last line torn by a SIGKILL is left out; any other bad line raises
        ConfigError with its number."""
        return self._parsed(lambda line: bool(line.strip()))

    def starts(self) -> list[Event]:
        """The events that say what was run, RunStarted and SuiteStarted; the thousands of others are not parsed."""
        marks = [f'"type":"{body.model_fields["type"].default}"'.encode() for body in (RunStarted, SuiteStarted)]
        found = self._parsed(lambda line: any(mark in line for mark in marks))
        return [event for event in found if isinstance(event.body, RunStarted | SuiteStarted)]

    def _parsed(self, wanted: Callable[[bytes], bool]) -> list[Event]:
        file = self.path / EVENTS
        if not file.exists():
            return []
        events: list[Event] = []
        lines = file.read_bytes().split(b"\n")
        for number, line in enumerate(lines, 1):
            if not wanted(line):
                continue
            try:
                events.append(Event.model_validate_json(line))
            except ValidationError as error:
                if number == len(lines):
                    break
                raise ConfigError(f"not an event: {error.errors()[0]['msg']}", file=file, line=number) from None
        return sorted(events, key=lambda event: event.t)

    def write_findings(self, findings: Sequence[Finding]) -> None:
        """Keep the findings beside their evidence."""
        rows = [finding.model_dump(mode="json") for finding in findings]
        write_atomically(self.path / FINDINGS, json.dumps(rows, indent=1) + "\n")

    def findings(self) -> tuple[Finding, ...]:
        """The findings as last judged; empty when the run was never judged."""
        file = self.path / FINDINGS
        if not file.exists():
            return ()
        return tuple(Finding.model_validate(row) for row in json.loads(file.read_text()))


def write_atomically(path: Path, text: str) -> None:
    """Write `text` so that a reader sees the old file or the new one, never half of it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with temporary.open("w") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)
