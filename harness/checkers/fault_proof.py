"""Every fault was really there, and is gone again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.checkers._tasks import asked
from harness.core.events import Event, Fault
from harness.core.findings import CHECKERS, Evidence, Finding
from harness.core.verdict import Verdict

NAME = "fault_proof"
TOLERANCE = 0.2


@CHECKERS.register(NAME)
def fault_proof(events: Sequence[Event]) -> Iterable[Finding]:
    """Two findings a fault: it was witnessed, at the planned strength within 20 %, else INCONCLUSIVE; it was
    undone, else INFRA. An experiment that asked for proof and planned no fault is INCONCLUSIVE."""
    faults: dict[tuple[str, str, str], list[tuple[Event, Fault]]] = {}
    for event in events:
        if isinstance(event.body, Fault):
            faults.setdefault((event.suite, event.scope, event.body.fault), []).append((event, event.body))
    seen: dict[tuple[str, str, str], int] = {}
    for (suite, scope, _), rows in faults.items():
        kind = rows[0][1].kind
        number = seen[suite, scope, kind] = seen.get((suite, scope, kind), 0) + 1
        name = kind if number == 1 else f"{kind}-{number}"
        yield _witnessed(suite, scope, name, rows)
        if any(fault.stage == "injected" for _, fault in rows) or any(f.stage == "undo_failed" for _, f in rows):
            yield _undone(suite, scope, name, rows)
    for scope in sorted(asked(events, NAME) - {scope for _, scope, _ in faults}):
        yield Finding(
            id=f"chaos/{scope}/{NAME}",
            suite="chaos",
            scope=scope,
            title="the fault was really there",
            verdict=Verdict.INCONCLUSIVE,
            summary="no fault was injected",
            replay=f"windtunnel chaos {scope}",
        )


def _witnessed(suite: str, scope: str, name: str, rows: Sequence[tuple[Event, Fault]]) -> Finding:
    first = rows[0][1]
    seen = [(event, fault) for event, fault in rows if fault.stage == "witnessed"]
    unseen = [(event, fault) for event, fault in rows if fault.stage == "not_witnessed"]
    injected = any(fault.stage == "injected" for _, fault in rows)
    weak = [fault for _, fault in seen if (off := _off(fault)) is not None and off > TOLERANCE]
    verdict = Verdict.INCONCLUSIVE
    if not injected:
        why = unseen[0][1].detail if unseen else "it was planned, and never injected"
        summary = f"{first.kind} on {first.subject}: {why}"
    elif weak:
        summary = f"{first.kind}: its strength was {_off(weak[0]):.0%} off the plan: {weak[0].detail}"
    elif unseen or not seen:
        why = unseen[0][1].detail if unseen else "no witness ever spoke"
        summary = f"{first.kind} on {first.subject} was injected, but nobody saw it: {why}"
    else:
        verdict = Verdict.PASS
        summary = f"{first.kind} on {first.subject}: {seen[0][1].detail or 'seen'} ({seen[0][1].witness})"
    return Finding(
        id=f"{suite}/{scope}/{NAME}/{name}",
        suite=suite,
        scope=scope,
        checker=NAME,
        title=f"the fault {first.kind} was really there",
        verdict=verdict,
        summary=summary,
        evidence=tuple(
            Evidence(text=fault.detail or fault.stage, events=(event.id,), data=dict(fault.measured))
            for event, fault in [*seen, *unseen]
        ),
        fix="" if verdict is Verdict.PASS else "without a proven fault the target has survived nothing: look why",
        replay=f"windtunnel chaos {scope}",
        metrics={
            measure: float(value)
            for _, fault in seen
            for measure, value in fault.measured.items()
            if isinstance(value, int | float) and not isinstance(value, bool)
        },
    )


def _undone(suite: str, scope: str, name: str, rows: Sequence[tuple[Event, Fault]]) -> Finding:
    first = rows[0][1]
    last = [(event, fault) for event, fault in rows if fault.stage in ("injected", "undone", "undo_failed")][-1]
    gone = last[1].stage == "undone"
    return Finding(
        id=f"{suite}/{scope}/undone/{name}",
        suite=suite,
        scope=scope,
        checker=NAME,
        title=f"the fault {first.kind} was undone",
        verdict=Verdict.PASS if gone else Verdict.INFRA,
        summary=last[1].detail if gone else f"{first.subject} is still broken: {last[1].detail or 'no undo on record'}",
        evidence=(Evidence(text=last[1].detail or last[1].stage, events=(last[0].id,)),),
        fix="" if gone else "windtunnel heal",
    )


def _off(fault: Fault) -> float | None:
    """How far the measured strength was off: from `planned_*` and `measured_*`, where the witness gave both."""
    for name, planned in fault.measured.items():
        if name.startswith("planned_") and isinstance(planned, int | float) and planned:
            measured = fault.measured.get("measured_" + name.removeprefix("planned_"))
            if isinstance(measured, int | float):
                return abs(measured - planned) / planned
    return None
