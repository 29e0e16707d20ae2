"""Are the tokens that the services recorded those that the LLM served?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from harness.core.events import Check, Event, Operation, Sample
from harness.core.findings import CHECKERS, Evidence, Finding
from harness.core.verdict import Verdict

NAME = "tokens_accounted"
PREFIX = "windtunnel_tokens_"
ONE_ANSWER = 2000  # tokens, with its prompt


@CHECKERS.register(NAME)
def tokens_accounted(events: Sequence[Event]) -> Iterable[Finding]:
    """One finding a suite whose marks stand: recorded and served, from its first mark to its last, are equal.

    More recorded than served is always wrong. Less is wrong where no answer was lost on its way (a fault of the LLM,
    a client that left), no pod took with it what nobody had read, and everything had come to rest; else it is
    expected and nothing is found. A task that is cancelled while its answer is on the wire leaves one answer unread,
    and the LLM cannot tell: a shortage of no more than ONE_ANSWER for each cancellation is not judged.
    """
    suites: dict[str, dict[str, list[tuple[Event, float]]]] = {}
    for event in events:
        if event.suite and isinstance(event.body, Sample) and event.body.name.startswith(PREFIX):
            name = event.body.name.removeprefix(PREFIX)
            suites.setdefault(event.suite, {}).setdefault(name, []).append((event, event.body.value))
    cancelled = Counter(event.suite for event in events if _cancels(event))
    for suite, marks in suites.items():
        finding = _judged(suite, marks, cancelled[suite])
        if finding is not None:
            yield finding


def _cancels(event: Event) -> bool:
    """A task was called off: by an operation of the history, or by a check of contracts."""
    body = event.body
    return (isinstance(body, Operation) and body.kind == "cancel" and body.step == "invoke") or (
        isinstance(body, Check) and ".cancel" in body.check
    )


def _judged(suite: str, marks: dict[str, list[tuple[Event, float]]], cancelled: int) -> Finding | None:
    if any(len(marks.get(name, ())) < 2 for name in ("recorded", "served", "lost", "unseen", "still")):
        return None
    grown = {name: rows[-1][1] - rows[0][1] for name, rows in marks.items()}
    recorded, served = grown["recorded"], grown["served"]
    exact = not grown["lost"] and not grown["unseen"] and all(value for _, value in marks["still"])
    if not served and not recorded:
        return None
    if (recorded <= served and not exact) or 0 < served - recorded <= cancelled * ONE_ANSWER:
        return None
    good = recorded == served
    off = f"{abs(recorded - served):.0f} {'more' if recorded > served else 'fewer'} than"
    return Finding(
        id=f"{suite}/{NAME}",
        suite=suite,
        title="the tokens recorded are the tokens served",
        verdict=Verdict.PASS if good else Verdict.FAIL,
        summary=f"{recorded:.0f} tokens recorded, {'just' if good else off} what the LLM served",
        evidence=tuple(
            Evidence(text=f"{name} grew by {grown[name]:.0f}", events=(marks[name][0][0].id, marks[name][-1][0].id))
            for name in ("recorded", "served")
        ),
        fix="" if good else "count the usage of every answer once, where it arrives, also of those that ask for tools",
        replay=f"windtunnel {suite}",
        metrics={"tokens_recorded": recorded, "tokens_served": served},
    )
