"""SLOs by phase: latency from the intended send, error rate, goodput."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from harness.core.events import Event, Phase
from harness.core.findings import CHECKERS, Evidence, Finding
from harness.core.history import Call, calls
from harness.core.verdict import Verdict

QUANTILES = {"p50_s": 0.50, "p95_s": 0.95, "p99_s": 0.99}
_WORDS = {"p50_s": "p50", "p95_s": "p95", "p99_s": "p99", "error_rate": "error rate", "goodput": "goodput"}


@CHECKERS.register("slo")
def slo(events: Sequence[Event]) -> Iterable[Finding]:
    """One finding a limit of a measured phase.

    Judged are the operations that hand work in (`run`, `submit`). One that never came back counts as an error
    with infinite latency: leaving it out would flatter the target just where it is worst.
    """
    history = [call for call in calls(events) if call.sent.kind in ("run", "submit") and call.sent.phase]
    for event in events:
        phase = event.body
        if isinstance(phase, Phase) and phase.edge == "end" and phase.measured:
            mine = [
                c
                for c in history
                if (c.invoke.suite, c.invoke.scope, c.sent.phase) == (event.suite, event.scope, phase.name)
            ]
            for name, limit in phase.slo.items():
                yield _judge(event, phase, name, limit, mine)


def _judge(event: Event, phase: Phase, name: str, limit: float, mine: Sequence[Call]) -> Finding:
    bound = "at least" if name == "goodput" else "at most"
    title = f"{_WORDS.get(name, name)} in phase {phase.name} is {bound} {_show(name, limit)}"
    name_of = f"{event.suite}/{event.scope}/{phase.name}/{name}"
    identity = {"id": name_of, "suite": event.suite, "scope": event.scope, "title": title}
    if not mine:
        summary = "no request was due in this phase, so there is nothing to judge"
        return Finding(
            **identity,
            verdict=Verdict.INCONCLUSIVE,
            summary=summary,
            evidence=(Evidence(text=phase.name, events=(event.id,)),),
        )
    seen = measure(name, mine, phase.slo.get("p99_s", math.inf))
    good = seen >= limit if name == "goodput" else seen <= limit
    worst = sorted(mine, key=latency, reverse=True)[:5]
    return Finding(
        **identity,
        verdict=Verdict.PASS if good else Verdict.FAIL,
        summary=f"{_show(name, seen)} over {len(mine)} requests, limit {_show(name, limit)}",
        evidence=tuple(
            Evidence(text=f"{_show('p99_s', latency(c))} {c.sent.kind} {error_of(c) or 'ok'}", events=c.events)
            for c in worst
        ),
        fix="" if good else f"give {worst[0].sent.service} more replicas or workers, or find what saturates first",
        metrics={"seen": seen if math.isfinite(seen) else -1.0, "limit": limit, "requests": float(len(mine))},
    )


def measure(name: str, history: Sequence[Call], good_within_s: float) -> float:
    """One figure of a phase. Quantiles are nearest-rank (Hyndman and Fan, 1996, definition 1)."""
    if name in QUANTILES:
        ordered = sorted(map(latency, history))
        return ordered[max(0, math.ceil(QUANTILES[name] * len(ordered)) - 1)]
    failed = sum(bool(error_of(call)) for call in history)
    if name == "error_rate":
        return failed / len(history)
    if name == "goodput":
        return sum(not error_of(call) and latency(call) <= good_within_s for call in history) / len(history)
    raise ValueError(f"unknown SLO {name!r}")


def latency(call: Call) -> float:
    """Seconds from the intended send to the answer; infinite when none came."""
    answer = call.answer
    if answer is None or answer.code is None:
        return math.inf
    return answer.latency_s if answer.latency_s is not None else math.inf


def error_of(call: Call) -> str:
    """Why an operation counts as failed; empty when it does not."""
    answer = call.answer
    if answer is None:
        return "no answer"
    return answer.error or ("" if answer.step == "ok" else answer.step)


def _show(name: str, value: float) -> str:
    if name in QUANTILES:
        return "no answer" if math.isinf(value) else f"{value:.2f} s" if value >= 1 else f"{value * 1000:.0f} ms"
    return f"{value:.2%}"
