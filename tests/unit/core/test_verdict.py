import itertools

import pytest

from harness.core.verdict import Verdict, combine, exit_code


def test_nothing_to_combine_is_not_run() -> None:
    assert combine([]) is Verdict.NOT_RUN


@pytest.mark.parametrize("other", list(Verdict))
def test_fail_outranks_everything(other: Verdict) -> None:
    assert combine([other, Verdict.FAIL]) is Verdict.FAIL


def test_only_all_pass_is_pass() -> None:
    for pair in itertools.product(Verdict, repeat=2):
        assert (combine(pair) is Verdict.PASS) == (set(pair) == {Verdict.PASS})


def test_exit_codes() -> None:
    codes = {verdict: exit_code(verdict) for verdict in Verdict}
    assert codes == {
        Verdict.PASS: 0,
        Verdict.FAIL: 1,
        Verdict.INCONCLUSIVE: 2,
        Verdict.INFRA: 2,
        Verdict.NOT_RUN: 2,
    }
