"""After the load: how soon was everything over?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.core.events import Event, Phase, Sample, SuiteEnded
from harness.core.findings import CHECKERS, Evidence, Finding
from harness.core.history import calls
from harness.core.verdict import Verdict


@CHECKERS.register("drain")
def drain(events: Sequence[Event]) -> Iterable[Finding]:
    """The time from the last phase's end to the last answer, against the profile's `drained_within_s`.

    A suite that was cut off left its last requests unanswered itself: they say nothing.
    """
    cut = {e.body.suite for e in events if isinstance(e.body, SuiteEnded) and e.body.outcome != "completed"}
    limits = {
        (event.suite, event.scope): (event, event.body.value)
        for event in events
        if isinstance(event.body, Sample)
        and event.body.name == "generator_drain_limit_seconds"
        and event.body.value > 0
    }
    for (suite, scope), (limit_event, limit) in limits.items():
        ends = [
            e
            for e in events
            if isinstance(e.body, Phase) and e.body.edge == "end" and (e.suite, e.scope) == (suite, scope)
        ]
        mine = [call for call in calls(events) if (call.invoke.suite, call.invoke.scope) == (suite, scope)]
        if not ends or not mine:
            continue
        over = max(e.t for e in ends)
        open_ones = [call for call in mine if call.end is None]
        last = max((call.end.t for call in mine if call.end is not None), default=over)
        took = max(0.0, last - over)
        good = took <= limit and not open_ones
        verdict = Verdict.PASS if good else Verdict.INCONCLUSIVE if suite in cut else Verdict.FAIL
        left = f"; {len(open_ones)} requests were never answered" if open_ones else ""
        yield Finding(
            id=f"{suite}/{scope}/drain",
            suite=suite,
            scope=scope,
            title=f"everything is over within {limit:g} s after the load",
            verdict=verdict,
            summary=f"the last answer came {took:.1f} s after the last phase{left}",
            evidence=(
                Evidence(text="end of the last phase", events=(ends[-1].id, limit_event.id)),
                *(Evidence(text="no answer", events=call.events) for call in open_ones[:5]),
            ),
            fix="" if good else "bound the queue and shed load early; look at what still works off a backlog",
            metrics={"drain_s": took, "unanswered": float(len(open_ones))},
        )
