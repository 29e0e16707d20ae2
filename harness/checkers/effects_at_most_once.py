"""An action has its effect at most once, however often somebody tried."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.checkers._tasks import asked
from harness.core.events import Effect, Event
from harness.core.findings import CHECKERS, Evidence, Finding
from harness.core.verdict import Verdict

NAME = "effects_at_most_once"
FIX = (
    "derive the key of a tool call from what the action is (task, tool, arguments), and let the tool refuse a used key"
)
REFUSED = frozenset({"error", "rejected", "denied", "replayed", "duplicate", "failed"})


@CHECKERS.register(NAME)
def effects_at_most_once(events: Sequence[Event]) -> Iterable[Finding]:
    """One finding an experiment, from the ledgers: no idempotency key, and no action, took effect twice.

    An action is (task, tool, arguments); where a task may repeat one on purpose, its keys differ and only
    keys are compared. An effect with neither key nor task cannot be told from another.
    """
    ledgers: dict[str, list[tuple[Event, Effect]]] = {}
    for event in events:
        if event.suite == "chaos" and isinstance(event.body, Effect) and event.scope:
            ledgers.setdefault(event.scope, []).append((event, event.body))
    for scope in sorted(asked(events, NAME) | set(ledgers)):
        yield _judge(scope, ledgers.get(scope, []))


def _judge(scope: str, rows: Sequence[tuple[Event, Effect]]) -> Finding:
    groups: dict[tuple[str, ...], list[str]] = {}
    nameless = 0
    done = [(event, effect) for event, effect in rows if effect.outcome not in REFUSED]
    for event, effect in done:
        name = _action(effect)
        if name is None:
            nameless += 1
        else:
            groups.setdefault(name, []).append(event.id)
    twice = {name: ids for name, ids in groups.items() if len(ids) > 1}
    extra = sum(len(ids) - 1 for ids in twice.values())
    if twice:
        verdict = Verdict.FAIL
        summary = f"{len(twice)} of {len(groups)} actions took effect more than once ({extra} duplicate effects)"
    elif not groups:
        verdict = Verdict.INCONCLUSIVE
        summary = "no ledger shows an effect with a key or a task" + (f" ({nameless} without)" if nameless else "")
    else:
        verdict = Verdict.PASS
        summary = f"{len(groups)} actions, each with one effect" + (f"; {nameless} nameless" if nameless else "")
    return Finding(
        id=f"chaos/{scope}/{NAME}",
        suite="chaos",
        scope=scope,
        checker=NAME,
        title="an action has its effect at most once",
        verdict=verdict,
        summary=summary,
        evidence=tuple(
            Evidence(text=f"{' '.join(name)}: {len(ids)} effects", events=tuple(ids))
            for name, ids in list(twice.items())[:10]
        ),
        fix=FIX if twice else "",
        replay=f"windtunnel chaos {scope}",
        metrics={"effects": float(len(done)), "duplicate_effects": float(extra)},
    )


def _action(effect: Effect) -> tuple[str, ...] | None:
    if effect.idempotency_key:
        return (effect.service, effect.tool, effect.idempotency_key)
    if effect.task_id:
        return (effect.service, effect.tool, effect.task_id, effect.arguments_sha256)
    return None
