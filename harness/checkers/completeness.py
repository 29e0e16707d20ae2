"""Did everything run that was asked for? What did not run is never green."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.core.events import Event, Note, RunEnded, RunStarted, SuiteEnded, SuiteStarted
from harness.core.findings import CHECKERS, Evidence, Finding
from harness.core.verdict import Verdict


@CHECKERS.register("completeness")
def completeness(events: Sequence[Event]) -> Iterable[Finding]:
    """One finding a suite that was asked for: NOT_RUN, INFRA, or PASS with what it covered."""
    asked: list[str] = []
    started: dict[str, tuple[Event, SuiteStarted]] = {}
    ended: dict[str, tuple[Event, SuiteEnded]] = {}
    scopes: dict[str, set[str]] = {}
    run_end: tuple[Event, RunEnded] | None = None
    for event in events:
        body = event.body
        if isinstance(body, RunStarted):
            asked.extend(suite for suite in body.suites if suite not in asked)
        elif isinstance(body, SuiteStarted):
            started[body.suite] = (event, body)
        elif isinstance(body, SuiteEnded):
            ended[body.suite] = (event, body)
        elif isinstance(body, RunEnded):
            run_end = (event, body)
        elif event.scope and not isinstance(body, Note):
            scopes.setdefault(event.suite, set()).add(event.scope)
    for suite in asked:
        yield _suite(suite, started.get(suite), ended.get(suite), scopes.get(suite, set()))
    if asked and (run_end is None or run_end[1].outcome != "completed"):
        detail = "it was cut off without a last word" if run_end is None else run_end[1].detail
        outcome = "crashed" if run_end is None else run_end[1].outcome
        yield Finding(
            id="run/completed",
            suite="run",
            title="the run came to its end",
            verdict=Verdict.INFRA,
            summary=f"the run {outcome}: {detail}" if detail else f"the run {outcome}",
            evidence=() if run_end is None else (Evidence(text=outcome, events=(run_end[0].id,)),),
            fix="run it again; what was recorded until then is in this report",
        )


def _suite(
    suite: str, start: tuple[Event, SuiteStarted] | None, end: tuple[Event, SuiteEnded] | None, seen: set[str]
) -> Finding:
    def finding(verdict: Verdict, summary: str, *rows: Event) -> Finding:
        return Finding(
            id=f"{suite}/completed",
            suite=suite,
            title=f"the {suite} suite ran to its end",
            verdict=verdict,
            summary=summary,
            evidence=tuple(Evidence(text=row.body.type, events=(row.id,)) for row in rows),
            fix="" if verdict is Verdict.PASS else f"windtunnel {suite}",
        )

    if end is not None and end[1].outcome != "completed":
        return finding(Verdict.INFRA, f"the {suite} suite ended as {end[1].outcome}: {end[1].detail}", end[0])
    if start is None:
        return finding(Verdict.NOT_RUN, f"the {suite} suite was asked for and never began")
    missing = [scope for scope in start[1].expects if scope not in seen]
    if end is None:
        return finding(Verdict.INFRA, f"the {suite} suite began and left no end", start[0])
    if missing:
        names = ", ".join(missing)
        return finding(Verdict.NOT_RUN, f"no evidence from {len(missing)} of {len(start[1].expects)}: {names}", end[0])
    if not seen:
        return finding(Verdict.NOT_RUN, f"the {suite} suite ended without any evidence", end[0])
    return finding(Verdict.PASS, f"all {len(start[1].expects) or len(seen)} parts left evidence", start[0], end[0])
