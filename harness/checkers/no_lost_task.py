"""No accepted task is lost, no task is accepted twice, and nothing that nobody handed in is worked on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.checkers._tasks import Submission, asked, by_scope, cut_off, submissions
from harness.core.events import Effect, Event
from harness.core.findings import CHECKERS, Evidence, Finding
from harness.core.verdict import Verdict

NAME = "no_lost_task"
FIX = "persist the task before the 202, give a dead worker's task to another, and store keys with their task"


@CHECKERS.register(NAME)
def no_lost_task(events: Sequence[Event]) -> Iterable[Finding]:
    """One finding an experiment: every accepted task was seen to end, under exactly one id.

    Where the experiment was cut off before its clients had seen the end (the phase `settle` has none), a task
    without an end is unknown, not lost.

    lost: accepted (a 2xx came back) and never seen in a final state, though its client asked until the end of
    its patience. duplicate: one key, two ids. unsubmitted: an effect of a task id that no client was given
    and that no try of unknown outcome can explain. A try without an answer that left no trace is allowed.
    """
    groups = {scope: rows for (suite, scope), rows in by_scope(submissions(events)).items() if suite == "chaos"}
    effects: dict[str, list[tuple[Event, Effect]]] = {}
    cut = cut_off(events)
    for event in events:
        if event.suite == "chaos" and isinstance(event.body, Effect):
            effects.setdefault(event.scope, []).append((event, event.body))
    for scope in sorted(asked(events, NAME) | {scope for scope in groups if scope}):
        yield _judge(scope, groups.get(scope, []), effects.get(scope, []), cut=scope in cut)


def _judge(scope: str, rows: Sequence[Submission], effects: Sequence[tuple[Event, Effect]], *, cut: bool) -> Finding:
    accepted = [row for row in rows if row.accepted]
    open_ = [row for row in accepted if row.final is None]
    lost = [] if cut else open_
    twice = [row for row in accepted if len(row.accepted) > 1]
    # A task whose acceptance was lost on the way has an id that only the service knows: as many strangers are
    # explained as there are unknown tries.
    known = {task for row in accepted for task in row.accepted}
    strange: dict[str, str] = {}
    for event, effect in effects:
        if effect.task_id and effect.task_id not in known:
            strange.setdefault(effect.task_id, event.id)
    unknown = sum(1 for row in rows if row.unknown)
    unsubmitted = dict(sorted(strange.items())[: max(0, len(strange) - unknown)])
    evidence = [
        *(
            Evidence(
                text=f"lost: task {', '.join(row.accepted)} ({row.phase or 'no phase'}) was accepted, last seen "
                f"{row.sights[-1].status if row.sights else 'never'}",
                events=(*row.accepted.values(), *(row.sights[-1].events if row.sights else ())),
            )
            for row in lost[:10]
        ),
        *(
            Evidence(
                text=f"key {row.key} was accepted as {len(row.accepted)} tasks: {', '.join(row.accepted)}",
                events=tuple(row.accepted.values()),
            )
            for row in twice[:10]
        ),
        *(
            Evidence(text=f"task {task} had an effect, and nobody handed it in", events=(event,))
            for task, event in list(unsubmitted.items())[:10]
        ),
    ]
    counts = (
        f"{len(rows)} handed in, {len(accepted)} accepted, {len(accepted) - len(open_)} seen to end, "
        f"{unknown} with an answer that never came"
    )
    if lost or twice or unsubmitted:
        parts = [
            f"{len(found)} {what}"
            for found, what in ((lost, "lost"), (twice, "accepted twice"), (unsubmitted, "never handed in"))
            if found
        ]
        verdict, summary = Verdict.FAIL, f"{', '.join(parts)} ({counts})"
    elif cut and open_:
        verdict, summary = Verdict.INCONCLUSIVE, f"cut off before {len(open_)} tasks could be seen to end ({counts})"
    elif not accepted:
        verdict, summary = Verdict.INCONCLUSIVE, f"no task was accepted, so none could be lost ({counts})"
    else:
        verdict, summary = Verdict.PASS, counts
    return Finding(
        id=f"chaos/{scope}/{NAME}",
        suite="chaos",
        scope=scope,
        checker=NAME,
        title="every accepted task ends exactly once",
        verdict=verdict,
        summary=summary,
        evidence=tuple(evidence),
        fix=FIX if verdict is Verdict.FAIL else "",
        replay=f"windtunnel chaos {scope}",
        metrics={
            "handed_in": float(len(rows)),
            "accepted": float(len(accepted)),
            "lost": float(len(lost)),
            "duplicates": float(len(twice)),
            "unknown": float(unknown),
        },
    )
