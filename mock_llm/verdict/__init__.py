"""What the journal says of the client: one file a rule, found by itself; see docs/mock-llm/verdict.md."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable

from mock_llm.journal import Entry
from mock_llm.verdict.attempts import attempts
from mock_llm.verdict.rule import RULES, Finding, Limits, Verdict

__all__ = ["RULES", "Finding", "Limits", "Verdict", "discover", "judge"]

_NOT_RULES = {"rule", "attempts", "conversation"}


def discover() -> None:
    """Import every module of this package, so that each rule registers itself."""
    for info in pkgutil.iter_modules(__path__):
        if info.name not in _NOT_RULES:
            importlib.import_module(f"{__name__}.{info.name}")


def judge(entries: Iterable[Entry], limits: Limits | None = None, *, timed: bool = True) -> Verdict:
    """Every rule over these entries. timed=False leaves out the rules that measure the client's own waits.

    A rule is a pure function of the entries, so a journal can be judged again elsewhere.
    """
    discover()
    lines = sorted(entries, key=lambda entry: entry.seq)
    calls = attempts(lines)
    findings: list[Finding] = []
    skipped: list[str] = []
    for name, (check, needs_time) in sorted(RULES.items()):
        if needs_time and not timed:
            skipped.append(name)
        else:
            findings.extend(check(calls, limits or Limits()))
    return Verdict(tuple(findings), len(lines), len(calls), tuple(skipped))
