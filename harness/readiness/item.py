"""An item of the checklist, and what it is decided from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from harness.cluster.manifests.documents import Document
from harness.core.findings import Evidence, Finding
from harness.core.verdict import Verdict, combine

AREAS = {"SVC": "Service", "REL": "Reliability", "OBS": "Observability", "DEP": "Deployment", "COST": "Cost"}


@dataclass(frozen=True)
class Proof:
    """A finding of a run, and which run that was."""

    finding: Finding
    run: str


@dataclass(frozen=True)
class Basis:
    """All that items are decided from: the findings of runs, which of them prove what, and the manifests."""

    proofs: Sequence[Proof] = ()
    proves: dict[str, tuple[str, ...]] = field(default_factory=dict)
    manifests: Sequence[Document] = ()

    def of(self, patterns: Sequence[str]) -> list[Proof]:
        """The findings whose ids fit one of `patterns`."""
        return [proof for proof in self.proofs if any(fnmatchcase(proof.finding.id, p) for p in patterns)]


@dataclass(frozen=True)
class Ruling:
    """What an item came to, with what shows it."""

    verdict: Verdict
    summary: str
    evidence: tuple[Evidence, ...] = ()
    fix: str = ""
    runs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Item:
    """One item. `how` is what has to be run for evidence; `decide` looks at all of it."""

    id: str
    title: str
    how: str
    decide: Callable[[Item, Basis], Ruling]

    @property
    def area(self) -> str:
        return AREAS[self.id.partition("-")[0]]


ITEMS: dict[str, Item] = {}
"""Every item by its id, in the order of the checklist."""


def item(
    id: str, title: str, *decisions: Callable[[Item, Basis], Ruling | None], how: str = "windtunnel verify"
) -> Item:
    """Register an item that holds where every one of `decisions` does.

    A decision of None has found nothing to decide by; where one has, the item is NOT_RUN, whatever the others
    say short of FAIL: half the evidence is no pass.
    """

    def decide(self: Item, basis: Basis) -> Ruling:
        rulings = [decision(self, basis) for decision in decisions]
        found = [ruling for ruling in rulings if ruling is not None]
        verdict = combine(ruling.verdict for ruling in found)
        if len(found) < len(rulings) and verdict is not Verdict.FAIL:
            verdict = Verdict.NOT_RUN
        decisive = [ruling for ruling in found if ruling.verdict is verdict] or found
        missing = "" if len(found) == len(rulings) else f"no evidence; run: {self.how}"
        return Ruling(
            verdict,
            "; ".join(filter(None, [*(ruling.summary for ruling in decisive), missing])),
            tuple(evidence for ruling in decisive for evidence in ruling.evidence),
            next((ruling.fix for ruling in decisive if ruling.fix), ""),
            tuple(dict.fromkeys(run for ruling in found for run in ruling.runs)),
        )

    made = Item(id, title, how, decide)
    assert id not in ITEMS, id
    ITEMS[id] = made
    return made


def proven(*patterns: str) -> Callable[[Item, Basis], Ruling | None]:
    """Decided by the findings that fit `patterns`, and by those that the suites' own files say prove the item: the
    worst of them counts, and none at all is no evidence."""

    def decide(self: Item, basis: Basis) -> Ruling | None:
        own = basis.proves.get(self.id, ())
        if any(not basis.of([each]) for each in own if "*" not in each.removesuffix("*")):
            return None  # a scenario that says it proves the item and left no finding has not run
        return _ruling(basis.of((*patterns, *own)))

    return decide


def shown(*patterns: str) -> Callable[[Item, Basis], Ruling | None]:
    """Decided by the findings that fit `patterns` alone: for a part that nothing else may stand for."""
    return lambda self, basis: _ruling(basis.of(patterns))


def _ruling(proofs: Sequence[Proof]) -> Ruling | None:
    """The worst of the proofs; None without any."""
    if not proofs:
        return None
    verdict = combine(proof.finding.verdict for proof in proofs)
    decisive = [proof for proof in proofs if proof.finding.verdict is verdict]
    words = f"{len(proofs)} finding(s) hold" if verdict is Verdict.PASS else f"{len(decisive)} of {len(proofs)}: "
    worst = decisive[0].finding
    return Ruling(
        verdict,
        words if verdict is Verdict.PASS else f"{words}{worst.title}: {worst.summary}",
        tuple(Evidence(text=f"{p.finding.id}: {p.finding.summary}"[:400], data=p.run) for p in decisive[:5]),
        worst.fix,
        tuple(dict.fromkeys(proof.run for proof in proofs)),
    )
