"""Did the alerts fire under the fault that they are for, and clear after it?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.core.events import Alert, Check, Event, Fault
from harness.core.findings import CHECKERS, Evidence, Finding
from harness.core.verdict import Verdict

NAME = "alerts"


@dataclass(frozen=True)
class Stretch:
    """An alert fired from one event to another; the second is None where it still did at the end."""

    firing: Event
    over: Event | None


@CHECKERS.register(NAME)
def alerts(events: Sequence[Event]) -> Iterable[Finding]:
    """One finding for each alert that an experiment expects: silent before the fault, firing after it came, and over
    again. NOT_RUN, with what to install or to set, where the rules were not evaluated."""
    state = next((e for e in events if isinstance(e.body, Alert) and e.body.stage in ("judged", "unjudged")), None)
    for scope, wanted in _expected(events).items():
        mine = [event for event in events if event.scope == scope]
        for name in wanted:
            # What fires once the next experiment has begun is that one's.
            stretches = [row for row in _stretches(events, name) if row.firing.t <= max(event.t for event in mine)]
            verdict, summary, fix, rows = _judged(name, state, mine, stretches)
            yield Finding(
                id=f"chaos/{scope}/{NAME}/{name}",
                suite="chaos",
                scope=scope,
                title=f"{name} fires under the fault, and clears",
                verdict=verdict,
                summary=summary,
                evidence=tuple(Evidence(text=_text(row), events=(row.id,)) for row in rows),
                fix=fix,
                replay=f"windtunnel chaos {scope}",
            )


def _judged(
    name: str, state: Event | None, scope: Sequence[Event], stretches: Sequence[Stretch]
) -> tuple[Verdict, str, str, list[Event]]:
    if state is None or not isinstance(state.body, Alert):
        fix = "name the rules in windtunnel.toml: [target.alerts] rules = ..."
        return Verdict.NOT_RUN, "no alert rules were evaluated", fix, []
    if state.body.stage == "unjudged":
        return Verdict.NOT_RUN, "the alert rules were not evaluated", state.body.detail, [state]
    if name not in state.body.names:
        return (
            Verdict.FAIL,
            f"no rule is called {name}",
            f"write one; there are: {', '.join(state.body.names)}",
            [state],
        )
    began = next((e for e in scope if isinstance(e.body, Fault) and e.body.stage == "injected"), None)
    ended = next((e for e in reversed(scope) if isinstance(e.body, Fault) and e.body.stage == "undone"), None)
    if began is None or ended is None:
        return Verdict.INCONCLUSIVE, "no fault came and went", "", [state]
    early = [row for row in stretches if row.firing.t < began.t and (row.over is None or row.over.t > began.t)]
    if early:
        text = "it fired already when the fault came"
        return Verdict.INCONCLUSIVE, text, "run the experiment alone", [early[0].firing, began]
    mine = [row for row in stretches if row.firing.t >= began.t]
    if not mine:
        text = f"it did not fire in the {ended.t - began.t:.0f} s of the fault, nor after"
        fix = "look at the rule's expression over the run: its metric, its window, its threshold, its `for`"
        return Verdict.FAIL, text, fix, [began, ended]
    if mine[0].firing.t > ended.t:
        text = f"it fired {mine[0].firing.t - ended.t:.1f} s after the fault had gone"
        return Verdict.INCONCLUSIVE, text, "let the fault last longer than the rule's window", [ended, mine[0].firing]
    text = f"it fired {mine[0].firing.t - began.t:.1f} s after the fault came"
    still = [row for row in mine if row.over is None]
    if still:
        fix = "observe for longer after the undo than the rule's window is long"
        return Verdict.INCONCLUSIVE, f"{text}, and still did when the run ended", fix, [began, mine[0].firing, ended]
    over = max((row.over for row in mine if row.over is not None), key=lambda event: event.t)
    text += f", and was over {over.t - ended.t:.1f} s after it went"
    return Verdict.PASS, text, "", [began, mine[0].firing, ended, over]


def _expected(events: Iterable[Event]) -> dict[str, list[str]]:
    """The alerts that each experiment names."""
    found: dict[str, list[str]] = {}
    for event in events:
        body = event.body
        if isinstance(body, Check) and body.check == "experiment" and isinstance(body.payload, dict):
            names = body.payload.get("alerts")
            if isinstance(names, list) and names:
                found[event.scope] = [str(name) for name in names]
    return found


def _stretches(events: Iterable[Event], name: str) -> list[Stretch]:
    found: list[Stretch] = []
    open_: dict[tuple[tuple[str, str], ...], Event] = {}
    for event in events:
        body = event.body
        if not isinstance(body, Alert) or body.alert != name:
            continue
        key = tuple(sorted(body.labels.items()))
        if body.stage == "firing":
            open_[key] = event
        elif key in open_:
            found.append(Stretch(open_.pop(key), event))
    found.extend(Stretch(event, None) for event in open_.values())
    return sorted(found, key=lambda row: row.firing.t)


def _text(event: Event) -> str:
    body = event.body
    if isinstance(body, Alert):
        return f"{body.alert} {body.stage} {body.labels}" if body.alert else body.detail
    return f"{body.kind} {body.stage}" if isinstance(body, Fault) else body.type
