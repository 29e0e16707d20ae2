"""Tasks as a history shows them: what each client handed in, and what it was told since."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from harness.core.events import Check, Event, Operation, Phase

TERMINAL = frozenset({"completed", "failed", "cancelled", "succeeded", "done", "error", "canceled", "rejected"})
GOOD = frozenset({"completed", "succeeded", "done"})


@dataclass(frozen=True)
class Sight:
    """One thing a client learnt of a task: the state, and from when to when the asking took."""

    status: str
    output: object
    asked: float
    answered: float
    process: str
    events: tuple[str, ...]


@dataclass
class Submission:
    """All operations about one key: the tries, the ids that were given, the sights."""

    suite: str
    scope: str
    service: str
    key: str
    phase: str
    first: float
    tries: list[str] = field(default_factory=list)  # ids of the invoke events
    ends: list[str] = field(default_factory=list)  # ok, fail, info
    accepted: dict[str, str] = field(default_factory=dict)  # task id -> event that said so
    sights: list[Sight] = field(default_factory=list)

    @property
    def unknown(self) -> bool:
        """True when a try may have taken effect and nothing came back."""
        return len(self.ends) < len(self.tries) or "info" in self.ends

    @property
    def final(self) -> Sight | None:
        """The first sight of an end."""
        return next((sight for sight in self.sights if sight.status in TERMINAL), None)


def cut_off(events: Iterable[Event]) -> set[str]:
    """The scopes whose clients were stopped before they had seen the end: their phase `settle` has none.

    A task without an end is then unknown: neither lost nor unanswered.
    """
    cut: set[str] = set()
    for event in events:
        if isinstance(event.body, Phase) and event.body.name == "settle":
            (cut.add if event.body.edge == "start" else cut.discard)(event.scope)
    return cut


def submissions(events: Sequence[Event]) -> list[Submission]:
    """Every submission of `events`, in one pass, in order of the first try; `submit` and `run` alike."""
    rows: dict[tuple[str, str, str, str], Submission] = {}
    by_task: dict[tuple[str, str, str, str], Submission] = {}
    begun: dict[str, Event] = {}
    loose: list[tuple[tuple[str, str, str, str], Sight]] = []
    for event in events:
        body = event.body
        if not isinstance(body, Operation) or body.kind not in ("submit", "run", "status", "cancel"):
            continue
        if body.step == "invoke":
            begun[body.op] = event
            if body.kind in ("submit", "run"):
                key = (event.suite, event.scope, body.service, body.key)
                row = rows.get(key)
                if row is None:
                    row = rows[key] = Submission(*key, phase=body.phase, first=event.t)
                row.tries.append(event.id)
            continue
        invoke = begun.pop(body.op, None)
        if invoke is None:
            continue
        sent = invoke.body
        assert isinstance(sent, Operation)
        status, output = _told(body)
        sight = Sight(status, output, invoke.t, event.t, body.process, (invoke.id, event.id))
        if body.kind in ("submit", "run"):
            row = rows[event.suite, event.scope, body.service, sent.key]
            row.ends.append(body.step)
            if body.step == "ok":
                if body.key and body.key != sent.key:
                    row.accepted.setdefault(body.key, event.id)
                    by_task[event.suite, event.scope, body.service, body.key] = row
                elif body.kind == "run":
                    row.accepted.setdefault(sent.key, event.id)
                if status:
                    row.sights.append(sight)
        elif body.step == "ok" and status:
            # A sight may stand before the answer that names its task: joined when all is read.
            loose.append(((event.suite, event.scope, body.service, sent.key), sight))
    for task, sight in loose:
        owner = by_task.get(task)
        if owner is not None:
            owner.sights.append(sight)
    for row in rows.values():
        row.sights.sort(key=lambda sight: sight.answered)
    return list(rows.values())


def by_scope(rows: Iterable[Submission]) -> dict[tuple[str, str], list[Submission]]:
    """The same by (suite, scope)."""
    groups: dict[tuple[str, str], list[Submission]] = {}
    for row in rows:
        groups.setdefault((row.suite, row.scope), []).append(row)
    return groups


def asked(events: Sequence[Event], checker: str) -> set[str]:
    """The experiments that name `checker`: there it must reach a verdict, also without evidence."""
    found = set()
    for event in events:
        body = event.body
        if isinstance(body, Check) and body.check == "experiment" and isinstance(body.payload, dict):
            names = body.payload.get("checkers")
            if isinstance(names, list) and checker in names:
                found.add(event.scope)
    return found


def _told(body: Operation) -> tuple[str, object]:
    if not isinstance(body.value, dict):
        return "", None
    return str(body.value.get("status") or ""), body.value.get("output")
