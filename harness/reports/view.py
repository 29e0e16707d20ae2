"""What every report shows, read once from a run directory."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from harness.core.events import Alert, Event, Fault, Operation, Phase, PodEvent, RunStarted, SuiteStarted
from harness.core.findings import Finding, verdict_of
from harness.core.verdict import Verdict
from harness.evidence.readiness import Decided, read_decided
from harness.evidence.rundir import RunDir
from harness.reports.gauges import Line, lines

SUITES = ("contracts", "scenarios", "load", "chaos")


@dataclass(frozen=True)
class SuiteRow:
    """One suite in the table of verdicts."""

    name: str
    verdict: Verdict
    counts: dict[str, int]
    seconds: float


@dataclass(frozen=True)
class Second:
    """One second of the timeline: what the clients saw. Latencies in seconds, None where nothing ended."""

    t: int
    arrivals: int
    ok: int
    errors: int
    p50: float | None
    p99: float | None


@dataclass(frozen=True)
class Band:
    """A stretch of the timeline: a phase of load, an experiment's stage, a fault, an alert that fired."""

    kind: str
    label: str
    start: float
    end: float
    witnessed: float | None = None
    detail: str = ""


@dataclass(frozen=True)
class Mark:
    """A moment of the timeline: a pod that was killed or restarted."""

    t: float
    label: str


@dataclass(frozen=True)
class View:
    """A run as reports show it."""

    run_id: str
    started: str
    seed: int
    target: str
    command: str
    version: str
    tiers: dict[str, str]
    duration_s: float
    verdict: Verdict
    suites: tuple[SuiteRow, ...]
    findings: tuple[Finding, ...]
    first: tuple[str, ...]
    timeline: tuple[Second, ...]
    bands: tuple[Band, ...]
    marks: tuple[Mark, ...]
    excerpts: dict[str, str] = field(default_factory=dict)
    readiness: Decided | None = None
    gauges: tuple[Line, ...] = ()
    files: dict[str, dict[str, str]] = field(default_factory=dict)  # suite -> scope -> the file that asked for it


def view_of(run: RunDir) -> View:
    """Read `run` into a View."""
    events, findings = run.events(), run.findings()
    begin = next((event.body for event in events if isinstance(event.body, RunStarted)), None)
    wanted = {name for finding in findings for evidence in finding.evidence for name in evidence.events[:5]}
    timeline = tuple(_timeline(events))
    return View(
        run_id=run.meta.run_id,
        started=run.meta.started,
        seed=run.meta.seed,
        target=f"{begin.target} ({begin.target_kind})" if begin else "unknown",
        command=begin.command if begin else "",
        version=begin.version if begin else "",
        tiers=begin.tiers if begin else {},
        duration_s=max((event.t for event in events), default=0.0),
        verdict=verdict_of(findings),
        suites=tuple(_suites(events, findings)),
        findings=findings,
        first=_first(findings),
        timeline=timeline,
        bands=tuple(_bands(events)),
        marks=tuple(_marks(events)),
        excerpts={event.id: event.model_dump_json(exclude_defaults=True) for event in events if event.id in wanted},
        readiness=read_decided(run.path),
        gauges=lines(events, [row.t for row in timeline]),
        files={event.body.suite: event.body.files for event in events if isinstance(event.body, SuiteStarted)},
    )


def _suites(events: Sequence[Event], findings: Sequence[Finding]) -> Iterable[SuiteRow]:
    names = sorted({f.suite for f in findings}, key=lambda name: (SUITES.index(name) if name in SUITES else 99, name))
    for name in names:
        mine = [finding for finding in findings if finding.suite == name]
        times = [event.t for event in events if event.suite == name]
        counts = {str(verdict): sum(f.verdict is verdict for f in mine) for verdict in Verdict}
        yield SuiteRow(
            name,
            verdict_of(mine),
            {key: value for key, value in counts.items() if value},
            max(times) - min(times) if times else 0.0,
        )


def _first(findings: Sequence[Finding]) -> tuple[str, ...]:
    """What to do first: the fixes of the worst findings, each once."""
    seen: list[str] = []
    for finding in findings:
        if finding.verdict is Verdict.PASS:
            break
        line = f"{finding.title}: {finding.fix or finding.summary}"
        if line not in seen:
            seen.append(line)
    return tuple(seen[:3])


def _timeline(events: Sequence[Event]) -> Iterable[Second]:
    arrivals: dict[int, int] = {}
    ended: dict[int, list[Operation]] = {}
    for event in events:
        body = event.body
        if not isinstance(body, Operation) or event.suite not in ("load", "chaos"):
            continue
        second = math.floor(event.t)
        if body.step == "invoke":
            if body.kind in ("submit", "run"):
                arrivals[second] = arrivals.get(second, 0) + 1
        else:
            ended.setdefault(second, []).append(body)
    keys = {*arrivals, *ended}
    if not keys:
        return
    for second in range(min(keys), max(keys) + 1):
        rows = ended.get(second, [])
        slow = sorted(row.latency_s for row in rows if row.latency_s is not None)
        yield Second(
            second,
            arrivals.get(second, 0),
            sum(row.step == "ok" for row in rows),
            sum(row.step != "ok" for row in rows),
            quantile(slow, 0.5),
            quantile(slow, 0.99),
        )


def quantile(ordered: Sequence[float], q: float) -> float | None:
    """The nearest-rank quantile of sorted values; None of none."""
    return ordered[max(0, math.ceil(q * len(ordered)) - 1)] if ordered else None


def _bands(events: Sequence[Event]) -> Iterable[Band]:
    last = max((event.t for event in events), default=0.0)
    phases: dict[tuple[str, str, str], float] = {}
    faults: dict[str, list[tuple[Event, Fault]]] = {}
    firing: dict[str, float] = {}
    for event in events:
        body = event.body
        if isinstance(body, Alert) and body.alert:
            label = f"{body.alert} {', '.join(body.labels.values())}".strip()
            if body.stage == "firing":
                firing[label] = event.t
            elif label in firing:
                yield Band("alert", label, firing.pop(label), event.t)
        elif isinstance(body, Phase):
            key = (event.suite, event.scope, body.name)
            if body.edge == "start":
                phases[key] = event.t
            elif key in phases:
                yield Band(event.suite, f"{event.scope}: {body.name}" if event.scope else body.name, phases.pop(key), event.t)
        elif isinstance(body, Fault):
            faults.setdefault(body.fault, []).append((event, body))
    for label, start in firing.items():
        yield Band("alert", label, start, last, detail="it still fired when the run ended")
    for rows in faults.values():
        times = {body.stage: event.t for event, body in rows}
        if "injected" in times:
            shown = rows[-1][1]
            yield Band(
                "fault",
                f"{shown.kind} on {shown.subject}",
                times["injected"],
                times.get("undone", last),
                times.get("witnessed"),
                next((body.detail for _, body in rows if body.stage == "witnessed"), ""),
            )


def _marks(events: Sequence[Event]) -> Iterable[Mark]:
    for event in events:
        if isinstance(event.body, PodEvent) and event.body.reason in ("Killing", "Killed", "BackOff", "Unhealthy"):
            yield Mark(event.t, f"{event.body.reason} {event.body.pod}")
