"""The table of `make conformance`: each test once, under its client."""

from __future__ import annotations

from typing import Literal

import pytest

from tests.conformance.table import Tally

CLAUDE = "tests/conformance/anthropic/test_langchain.py"


def report(
    nodeid: str,
    when: Literal["setup", "call", "teardown"],
    outcome: Literal["passed", "failed", "skipped"],
) -> pytest.TestReport:
    return pytest.TestReport(nodeid, ("", 0, ""), {}, outcome, None, when)


def test_each_test_counts_once_and_a_broken_teardown_is_a_failure() -> None:
    tally = Tally()
    for when in ("setup", "call", "teardown"):
        tally.pytest_runtest_logreport(report(f"{CLAUDE}::a", when, "passed"))
        tally.pytest_runtest_logreport(report("tests/conformance/openai/test_responses.py::T::a", when, "passed"))
    tally.pytest_runtest_logreport(report(f"{CLAUDE}::b", "setup", "skipped"))
    tally.pytest_runtest_logreport(report(f"{CLAUDE}::c", "call", "passed"))
    tally.pytest_runtest_logreport(report(f"{CLAUDE}::c", "teardown", "failed"))
    tally.pytest_runtest_logreport(report(f"{CLAUDE}::d", "setup", "failed"))
    assert [line.split() for line in str(tally).splitlines()] == [
        ["passed", "failed", "skipped"],
        ["anthropic", "langchain", "1", "2", "1"],
        ["openai", "responses", "1", "0", "0"],
        ["all", "2", "2", "1"],
    ]


def test_nothing_run_is_a_table_all_the_same() -> None:
    assert str(Tally()).splitlines()[-1].split() == ["all", "0", "0", "0"]
