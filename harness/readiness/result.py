"""readiness.json: the decided checklist as it is kept beside a run, and as reports read it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.evidence.readiness import FILE, Decided, DecidedItem
from harness.evidence.rundir import write_atomically
from harness.readiness.checklist import Row, gate, required, score


def decided(rows: Sequence[Row], patterns: Sequence[str], runs: Sequence[str]) -> Decided:
    """The rows as data. Raises ConfigError for a required item that there is not."""
    wanted = {row.item.id for row in required(rows, patterns)}
    holding, of = score(rows)
    return Decided(
        holding=holding,
        of=of,
        gate=gate([row for row in rows if row.item.id in wanted]),
        runs=tuple(runs),
        items=tuple(
            DecidedItem(
                id=row.item.id,
                area=row.item.area,
                title=row.item.title,
                verdict=row.ruling.verdict,
                summary=row.ruling.summary,
                evidence=row.ruling.evidence,
                fix=row.ruling.fix,
                how=row.item.how,
                runs=row.ruling.runs,
                waived=row.waived,
                required=row.item.id in wanted,
            )
            for row in rows
        ),
    )


def keep(folder: Path, result: Decided) -> None:
    """Write readiness.json into `folder`."""
    write_atomically(folder / FILE, result.model_dump_json(indent=1) + "\n")
