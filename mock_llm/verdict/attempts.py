"""Which requests are attempts at the same call."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from mock_llm.journal import Entry
from mock_llm.verdict.rule import Attempts

RETRYABLE = frozenset({408, 409, 429, 500, 502, 503, 504, 529})
_BROKEN = frozenset({"cut", "stall", "malformed", "error_body", "error_event", "empty_choices", "missing"})
_CLOCKS_S = 0.001  # arrivals and ends are measured apart


def failed(entry: Entry) -> bool:
    """Whether the client had reason to ask again."""
    return entry.status >= 400 or entry.ended != "complete" or not _BROKEN.isdisjoint(entry.faults)


def ended_at(entry: Entry) -> float:
    return entry.at + entry.duration_s


def waits(call: Attempts) -> list[float]:
    """Seconds between the end of each attempt and the start of the next."""
    return [max(0.0, after.at - ended_at(before)) for before, after in itertools.pairwise(call)]


def attempts(entries: Sequence[Entry]) -> list[Attempts]:
    """Calls in the order in which they began.

    The same body to the same path in the same session, after an attempt that failed and had ended, is another
    attempt at that call; after one that succeeded it is a call of its own.
    """
    calls: list[list[Entry]] = []
    open_calls: dict[tuple[str, str, str, bytes], list[list[Entry]]] = {}
    for entry in sorted(entries, key=lambda entry: (entry.session, entry.ordinal)):
        waiting = open_calls.setdefault((entry.session, entry.method, entry.path, entry.request), [])
        mine = next((call for call in waiting if ended_at(call[-1]) <= entry.at + _CLOCKS_S), None)
        if mine is None:
            mine = []
            calls.append(mine)
        else:
            waiting.remove(mine)
        mine.append(entry)
        if failed(entry):
            waiting.append(mine)
    return [tuple(call) for call in calls]
