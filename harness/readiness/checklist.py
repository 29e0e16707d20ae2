"""The whole checklist over a basis: rulings, waivers, score, and whether the gate opens."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase

from harness.core.config import Waiver
from harness.core.errors import ConfigError
from harness.core.verdict import Verdict, combine
from harness.readiness.item import ITEMS, Basis, Item, Ruling

_AREAS = ("service", "reliability", "observability", "deployment", "cost")


@dataclass(frozen=True)
class Row:
    """One item, decided. `waived` says why and until when, where it is gone without."""

    item: Item
    ruling: Ruling
    waived: str = ""

    @property
    def counts(self) -> Verdict:
        """The verdict as far as a gate is concerned."""
        return Verdict.PASS if self.waived else self.ruling.verdict


def items() -> dict[str, Item]:
    """Every item by id, in order."""
    for area in _AREAS:
        importlib.import_module(f"harness.readiness.items.{area}")
    return ITEMS


def decide(basis: Basis, waivers: Sequence[Waiver], today: date) -> list[Row]:
    """Every item decided. A waiver counts up to and including its day; one that is over has no effect.

    Raises ConfigError for a waiver of an item that there is not.
    """
    rows = []
    known = items()
    for waiver in waivers:
        if waiver.item not in known:
            raise ConfigError(
                f"[[readiness.waivers]]: there is no item {waiver.item!r}", hint=f"there are: {', '.join(known)}"
            )
    for item in known.values():
        ruling = item.decide(item, basis)
        mine = next((one for one in waivers if one.item == item.id), None)
        waived = ""
        if mine is not None and ruling.verdict is not Verdict.PASS:
            if today <= mine.until:
                waived = f"waived until {mine.until}: {mine.reason}"
            else:
                text = f"{ruling.summary} (its waiver ended on {mine.until})"
                ruling = Ruling(ruling.verdict, text, ruling.evidence, ruling.fix, ruling.runs)
        rows.append(Row(item, ruling, waived))
    return rows


def required(rows: Sequence[Row], patterns: Sequence[str]) -> list[Row]:
    """The rows that a gate asks for. Raises ConfigError for a pattern that fits no item."""
    for pattern in patterns:
        if not any(fnmatchcase(row.item.id, pattern) for row in rows):
            raise ConfigError(
                f"no readiness item is called {pattern!r}", hint=f"there are: {', '.join(row.item.id for row in rows)}"
            )
    return [row for row in rows if any(fnmatchcase(row.item.id, pattern) for pattern in patterns)]


def gate(rows: Sequence[Row]) -> Verdict:
    """The verdict of what a gate asks for; NOT_RUN when it asks for nothing."""
    return combine(row.counts for row in rows)


def score(rows: Sequence[Row]) -> tuple[int, int]:
    """How many items hold by evidence, of how many: a waiver is no evidence."""
    return sum(row.ruling.verdict is Verdict.PASS for row in rows), len(rows)
