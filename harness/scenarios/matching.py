"""Which call fulfils which expectation: by optimal matching, so that no valid trajectory is turned down.

A greedy matcher gives the first call to the first expectation that takes it, and so can leave a later one
without the only call that fits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, TypeVar

Mode = Literal["strict", "in_order", "any_order", "subset", "superset"]

E = TypeVar("E")
C = TypeVar("C")


def matched(expected: Sequence[E], seen: Sequence[C], fits: Callable[[E, C], bool]) -> list[int | None]:
    """For each expectation the index of the call it was given, or None; as many as can be are given one.

    Kuhn's augmenting paths: O(expectations x pairs that fit).
    """
    options = [[n for n, call in enumerate(seen) if fits(wish, call)] for wish in expected]
    owner: dict[int, int] = {}

    def assign(wish: int, visited: set[int]) -> bool:
        for call in options[wish]:
            if call in visited:
                continue
            visited.add(call)
            if call not in owner or assign(owner[call], visited):
                owner[call] = wish
                return True
        return False

    for wish in range(len(expected)):
        assign(wish, set())
    given = {wish: call for call, wish in owner.items()}
    return [given.get(wish) for wish in range(len(expected))]


def in_order(
    expected: Sequence[E], seen: Sequence[C], turns: Sequence[int], fits: Callable[[E, C], bool]
) -> list[int | None]:
    """Like `matched`, but a later expectation may not be met in an earlier turn.

    Calls of one turn were asked for in parallel and have no order among themselves. Groups of expectations
    are laid on the turns from the front; within a turn the matching is optimal. Returns the longest prefix
    that can be met; what comes after is None.
    """
    order = sorted(set(turns))
    by_turn = [[n for n, turn in enumerate(turns) if turn == this] for this in order]
    best: list[int | None] = [None] * len(expected)
    # reach[i]: the calls given to expectations 0..i-1 by the turns so far; keep every reachable prefix.
    reach: dict[int, list[int]] = {0: []}
    for calls in by_turn:
        following = dict(reach)
        for start, given in reach.items():
            for end in range(start + 1, min(start + len(calls), len(expected)) + 1):
                inside = matched(expected[start:end], [seen[n] for n in calls], fits)
                if any(call is None for call in inside):
                    continue
                taken = [calls[call] for call in inside if call is not None]
                following.setdefault(end, [*given, *taken])
        reach = following
    longest = max(reach)
    best[:longest] = reach[longest]
    return best


def problem(
    mode: Mode, expected: Sequence[E], seen: Sequence[C], turns: Sequence[int], fits: Callable[[E, C], bool]
) -> tuple[list[int], list[int]]:
    """Indices of expectations that were not met, and of calls that nobody expected, under `mode`.

    - strict: the same calls in the same order, nothing else
    - in_order: every expectation in order, other calls may lie between
    - any_order: the same calls in any order, nothing else
    - superset: the trajectory holds at least what is expected
    - subset: the trajectory holds nothing but what is expected
    """
    ordered = mode in ("strict", "in_order")
    given = in_order(expected, seen, turns, fits) if ordered else matched(expected, seen, fits)
    used = {call for call in given if call is not None}
    missing = [wish for wish, call in enumerate(given) if call is None]
    extra = [call for call in range(len(seen)) if call not in used]
    if mode in ("in_order", "superset"):
        extra = []
    if mode == "subset":
        missing = []
    return missing, extra
