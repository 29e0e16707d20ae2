"""Every promise that a suite checked, one finding per check and subject."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.core.events import Check, Event
from harness.core.findings import CHECKERS, Evidence, Finding
from harness.core.verdict import Verdict, combine

_VERDICTS = {
    "pass": Verdict.PASS,
    "fail": Verdict.FAIL,
    "inconclusive": Verdict.INCONCLUSIVE,
    "infra": Verdict.INFRA,
    "not_run": Verdict.NOT_RUN,
}


@CHECKERS.register("checks")
def checks(events: Sequence[Event]) -> Iterable[Finding]:
    """Check events of one suite, scope, check and subject are one finding; its verdict is the worst."""
    groups: dict[tuple[str, str, str, str], list[tuple[Event, Check]]] = {}
    for event in events:
        if isinstance(event.body, Check):
            key = (event.suite, event.scope, event.body.check, event.body.subject)
            groups.setdefault(key, []).append((event, event.body))
    for (suite, scope, check, subject), rows in groups.items():
        verdict = combine(_VERDICTS[body.outcome] for _, body in rows)
        decisive = [(event, body) for event, body in rows if _VERDICTS[body.outcome] is verdict]
        first = decisive[0][1]
        yield Finding(
            id="/".join(part for part in (suite, scope, check, subject) if part),
            suite=suite,
            scope=scope,
            checker="checks",
            title=first.title,
            verdict=verdict,
            summary=first.detail or first.title,
            evidence=tuple(
                Evidence(text=body.detail or body.title, events=(event.id,), data=body.payload)
                for event, body in decisive[:5]
            ),
            fix=first.fix,
            replay=first.replay,
            metrics={"cases": float(sum(body.cases for _, body in rows))},
        )
