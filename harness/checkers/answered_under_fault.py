"""While the fault was there, callers still got good answers, and by the way that is meant to give them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from harness.checkers._tasks import GOOD, Submission, asked, by_scope, cut_off, submissions
from harness.core.events import Event, Fault, LlmCall
from harness.core.findings import CHECKERS, Evidence, Finding
from harness.core.verdict import Verdict

NAME = "answered_under_fault"
FIX = "give the LLM call a timeout well under the task's deadline, and fall back to another model when it strikes"


@CHECKERS.register(NAME)
def answered_under_fault(events: Sequence[Event]) -> Iterable[Finding]:
    """One finding for each experiment that names this checker: every task handed in during the fault was
    answered well within its client's patience. Where the fault is one of a model and the journal is there,
    another model must have answered some of it, else nothing fell back."""
    scopes = asked(events, NAME)
    groups = by_scope(submissions(events))
    cut = cut_off(events)
    for scope in sorted(scopes):
        mine = [event for event in events if event.scope == scope]
        rows = [row for row in groups.get(("chaos", scope), []) if row.phase == "during"]
        yield _judge(scope, rows, *_models(mine), cut=scope in cut)


def _models(events: Sequence[Event]) -> tuple[str, dict[str, int]]:
    """The model that was hit, and how many good answers each model gave while it was."""
    hit, since, until = "", float("inf"), float("inf")
    for event in events:
        if not isinstance(event.body, Fault):
            continue
        if event.body.stage == "planned" and isinstance(event.body.params.get("model"), str):
            hit = str(event.body.params["model"])
        elif event.body.stage == "injected":
            since = min(since, _epoch(event))
        elif event.body.stage == "undone":
            until = _epoch(event)
    answers: dict[str, int] = {}
    for event in events:
        call = event.body
        if isinstance(call, LlmCall) and call.status == 200 and not call.aborted:
            at = call.at if call.at is not None else _epoch(event)
            if since <= at <= until and call.session != "windtunnel-canary":
                answers[call.model] = answers.get(call.model, 0) + 1
    return hit, answers


def _judge(scope: str, rows: Sequence[Submission], hit: str, answers: dict[str, int], *, cut: bool) -> Finding:
    open_ones = [row for row in rows if row.final is None]
    bad = [row for row in rows if row.final is not None and row.final.status not in GOOD]
    if not cut:
        bad = [row for row in rows if row.final is None or row.final.status not in GOOD]
    good = sum(row.final is not None and row.final.status in GOOD for row in rows)
    spans = sorted(row.final.answered - row.first for row in rows if row.final is not None)
    slowest = spans[-1] if spans else 0.0
    others = {model: count for model, count in answers.items() if model != hit}
    summary = f"{good} of {len(rows)} tasks handed in during the fault were answered, the slowest after {slowest:.1f} s"
    if hit and answers:
        summary += f"; by {', '.join(f'{model} ({count})' for model, count in sorted(answers.items()))}"
    if bad:
        verdict = Verdict.FAIL
    elif open_ones:
        verdict, summary = Verdict.INCONCLUSIVE, f"cut off before {len(open_ones)} tasks could be answered. {summary}"
    elif not rows:
        verdict, summary = Verdict.INCONCLUSIVE, "no task was handed in during the fault"
    elif hit and answers and not others:
        verdict, summary = Verdict.FAIL, f"nothing fell back: only {hit} answered. {summary}"
    elif hit and not answers:
        verdict, summary = Verdict.INCONCLUSIVE, f"no journal shows which model answered. {summary}"
    else:
        verdict = Verdict.PASS
    return Finding(
        id=f"chaos/{scope}/{NAME}",
        suite="chaos",
        scope=scope,
        checker=NAME,
        title="callers get good answers while the fault is there",
        verdict=verdict,
        summary=summary,
        evidence=tuple(
            Evidence(
                text=f"key {row.key}: {row.final.status if row.final else 'no end seen'}",
                events=(*row.tries, *(row.final.events if row.final else ())),
            )
            for row in bad[:10]
        ),
        fix=FIX if verdict is Verdict.FAIL else "",
        replay=f"windtunnel chaos {scope}",
        metrics={"during": float(len(rows)), "answered": float(good), "slowest_s": round(slowest, 3)},
    )


def _epoch(event: Event) -> float:
    """When an event was written, in epoch seconds, as ledgers and journals count."""
    return datetime.fromisoformat(event.wall).timestamp()
