"""A rule about the client, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from mock_llm.journal import Entry

Attempts = tuple[Entry, ...]  # of one logical call, oldest first


@dataclass(frozen=True, slots=True)
class Limits:
    """Where tolerance ends. Times in seconds.

    shortest_wait: a retry sooner than this has not backed off. most_attempts: of one call. patience: a client
    that waits longer for a silent stream has no read timeout. early: how much of a Retry-After may be missing.
    """

    shortest_wait: float = 0.05
    most_attempts: int = 10
    patience: float = 120.0
    early: float = 0.05


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule says, and the journal's lines (session and ordinals) that show it."""

    rule: str
    says: str
    session: str
    ordinals: tuple[int, ...]

    def __str__(self) -> str:
        where = ", ".join(f"#{number}" for number in self.ordinals)
        return f"{self.rule}: {self.says} (session {self.session!r}, {where})"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`skipped` are rules that could not be judged: they are neither kept nor broken."""

    findings: tuple[Finding, ...]
    requests: int
    calls: int
    skipped: tuple[str, ...] = ()

    def to_data(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        head = f"{len(self.findings)} findings in {self.calls} calls of {self.requests} requests"
        left = [f"not judged: {', '.join(self.skipped)}"] if self.skipped else []
        return "\n".join([head, *(f"  {finding}" for finding in self.findings), *left])


Check = Callable[[Sequence[Attempts], Limits], Iterable[Finding]]
RULES: dict[str, tuple[Check, bool]] = {}


def rule(name: str, *, timed: bool = False) -> Callable[[Check], Check]:
    """Decorator: register a check. timed: it measures how long the client waited between attempts."""

    def keep(check: Check) -> Check:
        if name in RULES:
            raise ValueError(f"two rules are called {name!r}")
        RULES[name] = (check, timed)
        return check

    return keep


def finding(name: str, says: str, *entries: Entry) -> Finding:
    return Finding(name, says, entries[0].session, tuple(entry.ordinal for entry in entries))
