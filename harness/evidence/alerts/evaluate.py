"""Evaluates a target's alert rules over what was sampled in a run."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from harness.core.events import Alert, Event
from harness.evidence.alerts import prometheus
from harness.evidence.alerts.firing import firings
from harness.evidence.alerts.openmetrics import points, text
from harness.evidence.alerts.rules import Rule

STEP_S = 0.5  # seconds of the run between two looks at a rule


async def alerts(
    events: Sequence[Event], rules: Sequence[Rule], *, scale: float, now: float
) -> list[tuple[Alert, float]]:
    """What the rules would have said, each with its second of the run; `now` in epoch seconds.

    A second of the run counts as `scale` seconds for the rules, whose windows are made for days of traffic. Where it
    cannot be found out the one row says why. Raises InfraError where Prometheus fails.
    """
    end = max((event.t for event in events), default=0.0)
    if absent := prometheus.missing():
        return [(Alert(stage="unjudged", detail=f"{absent} is not installed; {prometheus.ADVICE}"), end)]
    rows = list(points(events))
    if not rows:
        return [(Alert(stage="unjudged", detail="no metrics were sampled: see [target.metrics]"), end)]
    first, last = min(row[2] for row in rows), max(row[2] for row in rows)
    base = now - last * scale - 60.0
    names = tuple(dict.fromkeys(rule.name for rule in rules))
    told = f"{len(rules)} rules over {len(rows)} samples; a second of the run counts as {scale:g}"
    found = [(Alert(stage="judged", names=names, detail=told), end)]
    step = STEP_S * scale
    with tempfile.TemporaryDirectory(prefix="windtunnel-alerts-") as folder:
        async with prometheus.over(text(rows, lambda t: base + t * scale), Path(folder)) as server:
            for rule in rules:
                for row in await server.held(rule.expr, base + first * scale, base + last * scale, step):
                    labels = {name: value for name, value in row.labels.items() if name != "__name__"}
                    for one in firings(row.times, step=step, for_s=rule.for_s, last=base + last * scale):
                        found.append(
                            (Alert(stage="firing", alert=rule.name, labels=labels), (one.start - base) / scale)
                        )
                        if one.end is not None:
                            over = (one.end - base) / scale
                            found.append((Alert(stage="over", alert=rule.name, labels=labels), over))
    return found
