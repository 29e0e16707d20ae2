import itertools
import random

import pytest

from harness.scenarios.matching import in_order, matched, problem


def fits(wish: str, call: str) -> bool:
    """A wish is a set of letters; a call fits it when it is one of them."""
    return call in wish


def test_matching_is_optimal_where_a_greedy_one_fails() -> None:
    # Greedily "ab" takes a, and "a" is left with nothing.
    assert matched(["ab", "a"], ["a", "b"], fits) == [1, 0]


def test_matching_agrees_with_trying_everything() -> None:
    rng = random.Random(5)
    for _ in range(200):
        wishes = ["".join(rng.sample("abcd", rng.randint(1, 3))) for _ in range(rng.randint(0, 4))]
        calls = [rng.choice("abcd") for _ in range(rng.randint(0, 5))]
        best = max(
            (
                sum(fits(w, calls[n]) for w, n in zip(wishes, order, strict=False) if n < len(calls))
                for order in itertools.permutations(range(max(len(wishes), len(calls))), len(wishes))
            ),
            default=0,
        )
        given = [n for n in matched(wishes, calls, fits) if n is not None]
        assert len(given) == len(set(given)) == best


def test_calls_of_one_turn_have_no_order_and_turns_have() -> None:
    assert in_order(["a", "b"], ["b", "a"], [0, 0], fits) == [1, 0]
    assert in_order(["a", "b"], ["b", "a"], [0, 1], fits) == [1, None]
    assert in_order(["a", "b", "c"], ["c", "a", "x", "b", "c"], [0, 1, 1, 2, 3], fits) == [1, 3, 4]


@pytest.mark.parametrize(
    ("mode", "wishes", "calls", "missing", "extra"),
    [
        ("strict", ["a", "b"], ["a", "b"], [], []),
        ("strict", ["a", "b"], ["a", "x", "b"], [], [1]),
        ("strict", ["a", "b"], ["b", "a"], [1], [0]),
        ("in_order", ["a", "b"], ["a", "x", "b"], [], []),
        ("in_order", ["a", "b"], ["b", "a"], [1], []),
        ("any_order", ["a", "b"], ["b", "a"], [], []),
        ("any_order", ["a", "b"], ["b", "a", "a"], [], [2]),
        ("superset", ["a"], ["x", "a", "y"], [], []),
        ("superset", ["a", "a"], ["x", "a"], [1], []),
        ("subset", ["a", "b", "c"], ["b"], [], []),
        ("subset", ["a"], ["a", "x"], [], [1]),
    ],
)
def test_each_mode_means_what_it_says(mode, wishes, calls, missing, extra) -> None:
    assert problem(mode, wishes, calls, list(range(len(calls))), fits) == (missing, extra)
