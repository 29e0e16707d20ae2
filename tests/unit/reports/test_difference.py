"""Two runs compared."""

from __future__ import annotations

import pytest

from harness.core.findings import Finding
from harness.core.verdict import Verdict
from harness.reports.difference import differences, markdown, regressed

P, F, I, N = Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.NOT_RUN


def finding(id: str, verdict: Verdict) -> Finding:
    return Finding(id=id, suite="s", title="t", verdict=verdict, summary=f"saw <{verdict}> | it")


@pytest.mark.parametrize(
    ("before", "after", "kind", "verdict"),
    [
        (P, P, None, P), (F, F, None, P), (P, F, "broken", F), (I, F, "changed", F), (None, F, "new", F),
        (None, I, "new", I), (None, P, "added", P), (F, P, "mended", P), (I, P, "mended", P), (P, I, "undecided", I),
        (F, N, "undecided", I), (I, N, "changed", I), (P, None, "gone", I),
    ],
)  # fmt: skip
def test_each_pair_of_verdicts_has_its_word(
    before: Verdict | None, after: Verdict | None, kind: str | None, verdict: Verdict
) -> None:
    changes = differences(
        [finding("a", before)] if before else [], [finding("a", after)] if after else [finding("other", P)]
    )
    changes = [change for change in changes if change.shown.id == "a"]
    assert [change.kind for change in changes] == ([kind] if kind else [])
    assert regressed(changes) is verdict


def test_what_broke_comes_first_and_nothing_acts_as_markup() -> None:
    old = [finding("mended", F), finding("broken", P), finding("same", P)]
    new = [finding("mended", P), finding("broken", F), finding("same", P), *(finding(f"n{i}", P) for i in range(25))]
    text = markdown(differences(old, new), "r1", "r2")
    assert text.index("Held before, does not now: 1") < text.index("Did not hold before, does now: 1")
    assert "- PASS to **FAIL** `broken`: saw \\<FAIL\\> \\| it" in text
    assert "and 5 more" in text and "`same`" not in text
    assert "No finding has changed" in markdown([], "r1", "r2")


def test_a_suite_that_the_later_run_did_not_have_is_no_loss() -> None:
    assert differences([finding("a", P)], [finding("b", P).model_copy(update={"suite": "other"})])[0].kind == "added"
