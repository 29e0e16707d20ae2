"""Was the load honest? A generator that fell behind proves nothing about the target."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.core.events import Event, Operation, Sample
from harness.core.findings import CHECKERS, Evidence, Finding
from harness.core.verdict import Verdict

LATE_P99_S = 0.010
LATENESS = "generator_lateness_p99_seconds"
TITLE = f"the generator kept to its schedule (late by {LATE_P99_S * 1000:g} ms at p99 at most)"


@CHECKERS.register("generator")
def generator(events: Sequence[Event]) -> Iterable[Finding]:
    """INCONCLUSIVE when the p99 of lateness is over 10 ms, or a request that was due was never sent, or
    requests were sent by a schedule (they have an `intended`) and nothing says how well it was kept."""
    samples: dict[tuple[str, str], dict[str, tuple[Event, float]]] = {}
    scheduled: dict[tuple[str, str], Event] = {}
    for event in events:
        body = event.body
        if isinstance(body, Operation) and body.intended is not None:
            scheduled.setdefault((event.suite, event.scope), event)
        if isinstance(body, Sample) and body.service == "generator":
            rows = samples.setdefault((event.suite, event.scope), {})
            # Several workers: the worst of them counts, and what they dropped adds up.
            old = rows.get(body.name, (event, 0.0))[1]
            total = old + body.value if body.name in ("generator_dropped", "generator_due") else max(old, body.value)
            rows[body.name] = (event, total)
    for (suite, scope), first in scheduled.items():
        if LATENESS not in samples.get((suite, scope), {}):
            yield Finding(
                id=f"{suite}/{scope}/generator",
                suite=suite,
                scope=scope,
                title=TITLE,
                verdict=Verdict.INCONCLUSIVE,
                summary="the generator ended without saying how well it kept to its schedule",
                evidence=(Evidence(text="the first request of the schedule", events=(first.id,)),),
                fix="run the profile to its end; load/locust.log in the run directory says why it ended",
            )
    for (suite, scope), rows in samples.items():
        if LATENESS not in rows:
            continue
        late = rows[LATENESS][1]
        dropped = rows.get("generator_dropped", (None, 0.0))[1]
        due = rows.get("generator_due", (None, 0.0))[1]
        good = late <= LATE_P99_S and dropped == 0 and due > 0
        yield Finding(
            id=f"{suite}/{scope}/generator",
            suite=suite,
            scope=scope,
            title=TITLE,
            verdict=Verdict.PASS if good else Verdict.INCONCLUSIVE,
            summary=f"{due:.0f} requests due, {dropped:.0f} not sent, lateness p99 {late * 1000:.1f} ms",
            evidence=tuple(
                Evidence(text=f"{name} {value:g}", events=(event.id,)) for name, (event, value) in rows.items()
            ),
            fix="" if good else "free the machine, lower the peak, or spread the load over more generator processes",
            metrics={"lateness_p99_s": late, "dropped": dropped, "due": due},
        )
