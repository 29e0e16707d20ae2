import pytest

from harness.scenarios.repetition import decided, pass_hat, wilson


def test_wilson_gives_the_published_interval() -> None:
    low, high = wilson(9, 10)
    assert (round(low, 4), round(high, 4)) == (0.5958, 0.9821)
    assert wilson(0, 0) == (0.0, 1.0)


def test_one_green_run_proves_little() -> None:
    low, _ = wilson(1, 1)
    assert low < 0.21


@pytest.mark.parametrize(("c", "n", "k", "value"), [(4, 4, 2, 1.0), (3, 4, 2, 0.5), (2, 4, 4, 0.0), (1, 2, 3, None)])
def test_pass_hat_k_is_the_chance_that_all_of_k_runs_succeed(c, n, k, value) -> None:
    assert pass_hat(c, n, k) == value


def test_runs_stop_when_nothing_can_change_any_more() -> None:
    assert decided(0, 1, 9, 1.0)
    assert not decided(5, 0, 5, 1.0)
    assert decided(8, 0, 2, 0.8)
    assert not decided(0, 0, 0, 1.0)
