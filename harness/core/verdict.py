"""Verdicts, how they combine, and the exit code they become."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from harness.core.errors import EXIT_FAIL, EXIT_PASS, EXIT_UNDECIDED


class Verdict(StrEnum):
    """What a finding, a suite or a run comes to. No evidence is never PASS."""

    PASS = "PASS"
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"
    INFRA = "INFRA"
    NOT_RUN = "NOT_RUN"


_WORST_FIRST = (Verdict.FAIL, Verdict.INFRA, Verdict.INCONCLUSIVE, Verdict.NOT_RUN, Verdict.PASS)


def combine(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict of a whole from its parts: the worst of them; NOT_RUN for no parts at all.

    FAIL outranks INFRA: a promise seen broken stays broken, whatever else went wrong around it.
    """
    seen = set(verdicts)
    return next((verdict for verdict in _WORST_FIRST if verdict in seen), Verdict.NOT_RUN)


def exit_code(verdict: Verdict) -> int:
    """0 for PASS, 1 for FAIL, 2 for anything that decided nothing."""
    if verdict is Verdict.PASS:
        return EXIT_PASS
    return EXIT_FAIL if verdict is Verdict.FAIL else EXIT_UNDECIDED
