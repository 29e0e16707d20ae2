"""Two runs compared, finding by finding."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.core.findings import Finding
from harness.core.verdict import Verdict
from harness.reports.writers.markdown import flat

_ORDER = (Verdict.FAIL, Verdict.INFRA, Verdict.INCONCLUSIVE, Verdict.NOT_RUN, Verdict.PASS)
KINDS = {
    "broken": "Held before, does not now",
    "new": "New, and does not hold",
    "changed": "Does not hold in either, in another way",
    "undecided": "Decided before, not now",
    "mended": "Did not hold before, does now",
    "gone": "Was looked at before, is not any more",
    "added": "New, and holds",
}


@dataclass(frozen=True)
class Change:
    """One finding in two runs; None where a run does not have it. `kind` is one of KINDS."""

    kind: str
    before: Finding | None
    after: Finding | None

    @property
    def shown(self) -> Finding:
        """The finding as it is now, or as it was."""
        found = self.after or self.before
        assert found is not None
        return found


def differences(before: Sequence[Finding], after: Sequence[Finding]) -> list[Change]:
    """What changed in the suites that the later run has, worst first: findings are the same when their ids are. What a
    run did not decide is no news of the target, so it is a kind of its own."""
    asked = {finding.suite for finding in after}  # what the later run did not ask for is not gone
    old, new = {f.id: f for f in before if f.suite in asked}, {f.id: f for f in after}
    found = [Change(kind, old.get(id), new.get(id)) for id in {**old, **new} if (kind := _kind(old.get(id), new.get(id)))]
    kinds = list(KINDS)
    return sorted(found, key=lambda c: (kinds.index(c.kind), _ORDER.index(c.shown.verdict), c.shown.id))


def _kind(before: Finding | None, after: Finding | None) -> str:
    if after is None:
        return "gone"
    if before is None:
        return "added" if after.verdict is Verdict.PASS else "new"
    if before.verdict is after.verdict:
        return ""
    if after.verdict is Verdict.FAIL:
        return "broken" if before.verdict is Verdict.PASS else "changed"
    if after.verdict is Verdict.PASS:
        return "mended"
    return "undecided" if before.verdict in (Verdict.PASS, Verdict.FAIL) else "changed"


def regressed(changes: Iterable[Change]) -> Verdict:
    """FAIL when something fails that did not before; INCONCLUSIVE when something is not decided any more, or not looked
    at; else PASS."""
    found = list(changes)
    if any(c.after is not None and c.after.verdict is Verdict.FAIL for c in found):
        return Verdict.FAIL
    if any(c.kind in ("undecided", "gone", "new", "changed") for c in found):
        return Verdict.INCONCLUSIVE
    return Verdict.PASS


def markdown(changes: Sequence[Change], before: str, after: str, most: int = 20) -> str:
    """For a comment on a pull request: `most` changes of each kind."""
    lines = [f"## {after} against {before}: {regressed(changes)}", ""]
    if not changes:
        lines.append("No finding has changed.")
    for kind, title in KINDS.items():
        rows = [change for change in changes if change.kind == kind]
        if not rows:
            continue
        lines += [f"### {title}: {len(rows)}", ""]
        for change in rows[:most]:
            was = change.before.verdict if change.before else "-"
            now = change.after.verdict if change.after else "-"
            lines.append(f"- {was} to **{now}** `{change.shown.id}`: {flat(change.shown.summary)[:200]}")
        lines += [f"- and {len(rows) - most} more"] * (len(rows) > most) + [""]
    return "\n".join(lines).rstrip("\n") + "\n"
