"""What a Chaos Toolkit journal is worth. Its own verdict says `completed` where nothing was proven; ours does not.

Each rule below closes one such hole: an action that failed, a probe in the method that missed its tolerance,
a hypothesis that was broken for a moment, a probe that raised, an aborted or interrupted run, one that ended
early without saying so, an activity that outlasted its timeout, a dry run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.chaos.experiment import Experiment
from harness.core.events import Check, Outcome

Row = Mapping[str, Any]
Tolerated = Callable[[Any, Any], bool]


@dataclass(frozen=True)
class Ruling:
    """One thing that keeps the experiment from being a PASS."""

    outcome: Outcome
    text: str


_WORST_FIRST: tuple[Outcome, ...] = ("fail", "infra", "inconclusive", "not_run")


def rule(document: Row, journal: Row | None, tolerated: Tolerated) -> tuple[Outcome, tuple[Ruling, ...]]:
    """The outcome of the experiment as far as its journal tells, and everything that speaks against a pass.

    `journal` is None where Chaos Toolkit left none (SIGKILL). `tolerated(tolerance, output)` is Chaos
    Toolkit's own comparison.
    """
    if journal is None:
        return "infra", (Ruling("infra", "the experiment's process died and left no journal"),)
    rulings = tuple(_rulings(document, journal, tolerated))
    outcomes = {ruling.outcome for ruling in rulings}
    return next((outcome for outcome in _WORST_FIRST if outcome in outcomes), "pass"), rulings


def experiment_check(experiment: Experiment, outcome: Outcome, texts: Sequence[str]) -> Check:
    """The word on how an experiment ran; what the target did is the checkers' part."""
    hypothesis = (experiment.document.get("steady-state-hypothesis") or {}).get("title", "")
    return Check(
        check="experiment",
        subject=experiment.name,
        title=f"{experiment.title}: carried out as written, steady before and after",
        outcome=outcome,
        detail="; ".join(texts) or f"every step ran; {hypothesis or 'no hypothesis of its own'}",
        payload={
            "injections": [kind for kind, _ in experiment.injections],
            "checkers": list(experiment.extension.checkers),
            "alerts": list(experiment.extension.alerts),
        },
        replay=f"windtunnel chaos {experiment.name}",
        fix="" if outcome == "pass" else f"look at chaos/{experiment.path.name} and at what the target logged",
    )


def _rulings(document: Row, journal: Row, tolerated: Tolerated) -> Iterator[Ruling]:
    yield from _dry(document)
    status = journal.get("status")
    if status in ("interrupted", "aborted"):
        yield Ruling("infra", f"the run was {status}")
    states = journal.get("steady_states") or {}
    planned = bool((document.get("steady-state-hypothesis") or {}).get("probes"))
    for when in ("before", "after"):
        yield from _hypothesis(states.get(when), when, planned)
    for state in states.get("during") or ():
        yield from _hypothesis(state, "during", planned)
    yield from _method(document, journal, tolerated)
    for run in journal.get("rollbacks") or ():
        if run.get("status") != "succeeded":
            yield Ruling("infra", f"rollback {_name(run)!r} {run.get('status')}: {_why(run)}")


def _dry(document: Row) -> Iterator[Ruling]:
    if document.get("dry"):
        yield Ruling("not_run", "a dry run proves nothing")
    for activity in document.get("method") or ():
        if activity.get("dry"):
            yield Ruling("not_run", f"{activity.get('name')!r} was dry: it was not carried out")


def _hypothesis(state: Row | None, when: str, planned: bool) -> Iterator[Ruling]:
    if state is None:
        if planned:
            yield Ruling("inconclusive", f"the steady state was not looked at {when} the method")
        return
    for run in state.get("probes") or ():
        if run.get("status") != "succeeded":
            # The probe itself broke: nobody knows whether the target was steady.
            yield Ruling("inconclusive", f"probe {_name(run)!r} {when} the method broke: {_why(run)}")
        elif run.get("tolerance_met") is False:
            text = f"{_name(run)!r} {when} the method: {run.get('output')!r} is outside its tolerance"
            # Not steady to begin with: the fault is not to blame.
            yield Ruling("inconclusive" if when == "before" else "fail", text)


def _method(document: Row, journal: Row, tolerated: Tolerated) -> Iterator[Ruling]:
    planned = list(document.get("method") or ())
    runs = list(journal.get("run") or ())
    done = [_name(run) for run in runs]
    for activity in planned:
        name = str(activity.get("name") or activity.get("ref"))
        if name in done:
            done.remove(name)
        else:
            yield Ruling("infra", f"{name!r} was planned and never ran")
    for run in runs:
        activity = run.get("activity") or {}
        name = _name(run)
        if run.get("status") != "succeeded":
            yield Ruling("inconclusive", f"{activity.get('type')} {name!r} {run.get('status')}: {_why(run)}")
            continue
        if "tolerance" in activity and not tolerated(activity["tolerance"], run.get("output")):
            yield Ruling("fail", f"probe {name!r}: {run.get('output')!r} is outside its tolerance")
        limit = activity.get("timeout") or (activity.get("provider") or {}).get("timeout")
        duration = run.get("duration")
        if isinstance(limit, int | float) and isinstance(duration, int | float) and duration > limit:
            yield Ruling("inconclusive", f"{name!r} took {duration:.1f} s, its timeout is {limit:g} s")


def _name(run: Row) -> str:
    return str((run.get("activity") or {}).get("name"))


def _why(run: Row) -> str:
    exception = run.get("exception")
    lines = [exception] if isinstance(exception, str) else list(exception or ())
    return str(lines[-1]).strip() if lines else "no reason given"
