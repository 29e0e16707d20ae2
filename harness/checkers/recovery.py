"""How deep the dip was and how long the way back: goodput before, during and after."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.checkers._tasks import GOOD, Submission, asked, by_scope, cut_off, submissions
from harness.core.events import Event, Fault
from harness.core.findings import CHECKERS, Evidence, Finding
from harness.core.verdict import Verdict

NAME = "recovery"
SHARE = 0.9  # of the goodput before, that must be reached again afterwards
FIX = "look at what keeps load up after the fault is gone: retries without a budget, queues without a limit"


@CHECKERS.register(NAME)
def recovery(events: Sequence[Event]) -> Iterable[Finding]:
    """One finding for each experiment that names this checker: of the tasks handed in after the fault was
    undone, at least `SHARE` times the share before end well. Measures: the share of each phase, and the
    seconds from the undo to the first task handed in afterwards that ended well.

    Where the experiment was cut off, a task whose end nobody saw counts neither way: it did not come back only if it
    had not even with all of them.
    """
    groups = by_scope(submissions(events))
    cut = cut_off(events)
    for scope in sorted(asked(events, NAME)):
        undone = [
            event
            for event in events
            if event.scope == scope and isinstance(event.body, Fault) and event.body.stage == "undone"
        ]
        yield _judge(scope, groups.get(("chaos", scope), []), undone[-1] if undone else None, cut=scope in cut)


def _judge(scope: str, rows: Sequence[Submission], undone: Event | None, *, cut: bool) -> Finding:
    unseen = [row for row in rows if row.phase == "after" and row.final is None] if cut else []
    seen = [row for row in rows if not cut or row.final is not None]
    phases = {name: [row for row in seen if row.phase == name] for name in ("before", "during", "after")}
    shares = {name: sum(map(_good, found)) / len(found) for name, found in phases.items() if found}
    metrics = {f"goodput_{name}": round(share, 4) for name, share in shares.items()}
    first = min((row.final.answered for row in phases["after"] if row.final is not None and _good(row)), default=None)
    if undone is not None and first is not None:
        metrics["recovered_after_s"] = round(max(0.0, first - undone.t), 3)
    said = ", ".join(f"{share:.0%} {name}" for name, share in shares.items())
    if "before" not in shares or "after" not in shares or undone is None:
        verdict, summary = Verdict.INCONCLUSIVE, f"nothing to compare: {said or 'no tasks'}"
    elif shares["before"] == 0:
        verdict, summary = Verdict.INCONCLUSIVE, "no task ended well before the fault"
    elif _at_best(phases["after"], unseen) < SHARE * shares["before"]:
        verdict, summary = Verdict.FAIL, f"it did not come back: {said} of the tasks ended well"
    elif unseen:
        verdict, summary = Verdict.INCONCLUSIVE, f"cut off before {len(unseen)} tasks could be seen to end: {said} well"
    else:
        verdict, summary = Verdict.PASS, f"{said} of the tasks ended well"
    bad = [row for row in phases["after"] if not _good(row)] if verdict is Verdict.FAIL else []
    return Finding(
        id=f"chaos/{scope}/{NAME}",
        suite="chaos",
        scope=scope,
        checker=NAME,
        title="work comes back once the fault is gone",
        verdict=verdict,
        summary=summary,
        evidence=tuple(
            Evidence(text=f"key {row.key}: {row.final.status if row.final else 'no end seen'}", events=tuple(row.tries))
            for row in bad[:10]
        ),
        fix=FIX if verdict is Verdict.FAIL else "",
        replay=f"windtunnel chaos {scope}",
        metrics=metrics,
    )


def _at_best(ended: Sequence[Submission], unseen: Sequence[Submission]) -> float:
    """The share of good ends if every task whose end was not seen had one."""
    return (sum(map(_good, ended)) + len(unseen)) / (len(ended) + len(unseen))


def _good(row: Submission) -> bool:
    return row.final is not None and row.final.status in GOOD
