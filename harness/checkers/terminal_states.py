"""A task that ended stays as it ended, and what is read of it never goes back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from harness.checkers._tasks import TERMINAL, Sight, Submission, asked, by_scope, submissions
from harness.core.events import Event
from harness.core.findings import CHECKERS, Evidence, Finding
from harness.core.verdict import Verdict

NAME = "terminal_states"
ORDER = {"accepted": 0, "pending": 0, "queued": 0, "submitted": 0, "running": 1, "working": 1, "in_progress": 1}
FIX = "refuse a write to a task that ended (compare-and-set on its state), also from a worker that was thought dead"


@CHECKERS.register(NAME)
def terminal_states(events: Sequence[Event]) -> Iterable[Finding]:
    """One finding an experiment over all reads of each task: a final state and its output never change, and a
    read never shows an earlier state than one that was over before it began (reads that overlap may)."""
    groups = {scope: rows for (suite, scope), rows in by_scope(submissions(events)).items() if suite == "chaos"}
    for scope in sorted(asked(events, NAME) | {scope for scope in groups if scope}):
        rows = [row for row in groups.get(scope, []) if row.sights]
        wrong = [(row, text, pair) for row in rows for text, pair in _violations(row)]
        if wrong:
            verdict = Verdict.FAIL
            summary = f"{len({row.key for row, _, _ in wrong})} of {len(rows)} tasks changed their past: {wrong[0][1]}"
        elif not any(row.final for row in rows):
            verdict, summary = Verdict.INCONCLUSIVE, "no task was seen to end"
        else:
            reads = sum(len(row.sights) for row in rows)
            verdict, summary = Verdict.PASS, f"{reads} reads of {len(rows)} tasks agree"
        yield Finding(
            id=f"chaos/{scope}/{NAME}",
            suite="chaos",
            scope=scope,
            checker=NAME,
            title="a task that ended stays ended, and reads never go back",
            verdict=verdict,
            summary=summary,
            evidence=tuple(
                Evidence(text=f"task {', '.join(row.accepted) or row.key}: {text}", events=pair)
                for row, text, pair in wrong[:10]
            ),
            fix=FIX if wrong else "",
            replay=f"windtunnel chaos {scope}",
            metrics={"tasks": float(len(rows)), "violations": float(len(wrong))},
        )


def _violations(row: Submission) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Compare each read with the furthest one that had been answered before it was asked."""
    if len(row.accepted) > 1:
        return  # two tasks under one key: that is the other checker's finding, and their reads are no series
    ended: Sight | None = None
    furthest: Sight | None = None
    waiting: list[Sight] = []  # answered, but perhaps not yet before the next was asked
    for sight in sorted(row.sights, key=lambda sight: sight.asked):
        for past in [past for past in waiting if past.answered <= sight.asked]:
            waiting.remove(past)
            if furthest is None or _rank(past) > _rank(furthest):
                furthest = past
        if furthest is not None and _rank(sight) < _rank(furthest):
            yield f"read {sight.status} after {furthest.status}", (*furthest.events, *sight.events)
        if sight.status in TERMINAL:
            # Two different ends contradict each other in whatever order they were read.
            if ended is None:
                ended = sight
            elif sight.status != ended.status or _differ(sight.output, ended.output):
                what = "another output" if sight.status == ended.status else sight.status
                yield f"ended as {ended.status}, then shown with {what}", (*ended.events, *sight.events)
        waiting.append(sight)


def _rank(sight: Sight) -> int:
    return 2 if sight.status in TERMINAL else ORDER.get(sight.status, 0)


def _differ(one: object, other: object) -> bool:
    return one is not None and other is not None and one != other
