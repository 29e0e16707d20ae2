"""Findings: claims with a verdict and pointers to their evidence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from pydantic import BaseModel, ConfigDict, JsonValue

from harness.core.events import Event
from harness.core.registry import Registry
from harness.core.verdict import Verdict, combine


class Evidence(BaseModel):
    """One piece of proof: text a person can read, and the ids of the events it was read from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str
    events: tuple[str, ...] = ()
    data: JsonValue = None


class Finding(BaseModel):
    """A claim about the target, judged.

    `id` is stable from run to run (`chaos/pod-kill/no-lost-task`), so that two runs can be compared; `title`
    states the rule that was checked, `summary` what was seen, `fix` what to do, `replay` how to see it again.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    suite: str
    scope: str = ""
    checker: str = ""
    title: str
    verdict: Verdict
    summary: str
    evidence: tuple[Evidence, ...] = ()
    fix: str = ""
    replay: str = ""
    metrics: dict[str, float] = {}


Checker = Callable[[Sequence[Event]], Iterable[Finding]]
"""A checker is a pure function: the events of a run, in order of `t`, to findings. It reads no file and no
clock. Evidence that is absent makes INCONCLUSIVE or no finding at all, never PASS."""

CHECKERS: Registry[Checker] = Registry("checker")


def judge(events: Sequence[Event], checkers: Iterable[tuple[str, Checker]] | None = None) -> tuple[Finding, ...]:
    """Every finding of every checker over `events`, sorted worst first, then by id."""
    findings = [
        finding if finding.checker else finding.model_copy(update={"checker": name})
        for name, checker in (CHECKERS if checkers is None else checkers)
        for finding in checker(events)
    ]
    order = {Verdict.FAIL: 0, Verdict.INFRA: 1, Verdict.INCONCLUSIVE: 2, Verdict.NOT_RUN: 3, Verdict.PASS: 4}
    return tuple(sorted(findings, key=lambda finding: (order[finding.verdict], finding.id)))


def verdict_of(findings: Iterable[Finding]) -> Verdict:
    """The verdict over findings; NOT_RUN when there are none."""
    return combine(finding.verdict for finding in findings)
