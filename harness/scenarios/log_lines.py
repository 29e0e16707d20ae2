"""Whether a log can be searched: each line a JSON object, and what a task is known by in one of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from harness.core.events import Check

FIX = "log one JSON object a line, also what the web server and uncaught errors write, with the task's id and trace"


def structured(texts: Mapping[str, str], fields: Sequence[str]) -> list[Check]:
    """Checks of the logs of services that take tasks, by workload: every line is a JSON object, and of those with the
    first of `fields`, which names the task, one has all of them. A pod that is new has no such line, and that says
    nothing; when no workload has one, that does."""
    found: list[Check] = []
    named = False
    for workload, text in texts.items():
        lines = [line for line in text.splitlines() if line.strip()]
        if not lines:
            continue
        rows = [_object(line) for line in lines]
        plain = [line for line, row in zip(lines, rows, strict=True) if row is None]
        detail = f"{len(plain)} of {len(lines)} lines are not" if plain else f"{len(lines)} lines"
        found.append(_check("json", workload, "each line of a log is a JSON object", not plain, detail, plain))
        about = [row for row in rows if row is not None and _has(row, fields[:1])]
        if about:
            named = True
            found.append(_fields(workload, about, fields))
    if not named:
        text = f"no line of {', '.join(texts) or 'any service'} has {fields[0]}"
        # Silence decides nothing: every pod may be new, or no task have got as far as a service.
        found.append(_check("fields", "services", _title(fields), False if found else None, text, []))
    return found


def _fields(workload: str, about: Sequence[dict[str, Any]], fields: Sequence[str]) -> Check:
    full = [row for row in about if _has(row, fields)]
    best = max(about, key=lambda row: sum(_has(row, (field,)) for field in fields))
    missing = ", ".join(field for field in fields if not _has(best, (field,)))
    text = f"{len(full)} lines have" if full else f"none of {len(about)} lines about tasks has {missing} as well"
    return _check("fields", workload, _title(fields), bool(full), text, [json.dumps(best)])


def _check(name: str, subject: str, title: str, holds: bool | None, detail: str, lines: Sequence[str]) -> Check:
    return Check(
        check=f"logs.{name}",
        subject=subject,
        title=title,
        outcome="inconclusive" if holds is None else "pass" if holds else "fail",
        detail=detail,
        payload={"line": lines[0][:500]} if lines and not holds else None,
        fix="" if holds else FIX,
        replay=f"kubectl logs -l app={subject} --tail=-1",
    )


def _title(fields: Sequence[str]) -> str:
    return f"a task's line has {', '.join(fields)}"


def _has(row: Mapping[str, Any], fields: Sequence[str]) -> bool:
    return all(row.get(field) not in (None, "") for field in fields)


def _object(line: str) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
