"""Server-side apply: each manager owns the fields that it applied, and what it applies no longer goes.

Fields are those of maps; a list is owned whole, unless a strategic merge joins it by a key. Structured after
https://kubernetes.io/docs/reference/using-api/server-side-apply/; `managedFields` holds what is owned, in FieldsV1.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

from harness.cluster.manifests.documents import Json
from harness.cluster.manifests.merge import strategic_merge

Path = tuple[str, ...]
_NOT_OWNED = {("apiVersion",), ("kind",), ("metadata", "name"), ("metadata", "namespace")}


class FieldConflict(Exception):
    """Another manager owns a field with another value. `fields` are their paths, as `.data.key`."""

    def __init__(self, manager: str, fields: list[str]) -> None:
        super().__init__(
            f"Apply failed with {len(fields)} conflict(s): conflicts with {manager!r}: {', '.join(fields)}"
        )
        self.fields = fields


def applied(old: Json | None, sent: Json, *, manager: str, force: bool, now: str) -> Json:
    """`old` (None: there is none yet) after `manager` applied `sent`. Raises FieldConflict unless `force`."""
    sent = copy.deepcopy(sent)
    sent.get("metadata", {}).pop("managedFields", None)
    mine = set(_leaves(sent)) - _NOT_OWNED
    rows = list(((old or {}).get("metadata") or {}).get("managedFields") or ())
    before: set[Path] = set()
    others: list[Json] = []
    for row in rows:
        if row.get("manager") == manager and row.get("operation") == "Apply":
            before |= set(_paths(row["fieldsV1"]))
        else:
            others.append(_without(row, mine, old or {}, sent, force))
    base = copy.deepcopy(old) if old else {}
    kept = {path for row in others for path in _paths(row["fieldsV1"])}
    for path in before - mine - kept:
        _remove(base, path)
    new: Json = strategic_merge(base, sent)
    entry = {
        "manager": manager,
        "operation": "Apply",
        "apiVersion": sent.get("apiVersion", ""),
        "time": now,
        "fieldsType": "FieldsV1",
        "fieldsV1": _fields(mine),
    }
    metadata = {**(new.get("metadata") or {}), "managedFields": [*(row for row in others if row["fieldsV1"]), entry]}
    return {**new, "metadata": metadata}


def _without(row: Json, mine: set[Path], old: Json, sent: Json, force: bool) -> Json:
    """Another manager's row, less what is taken from it. Raises FieldConflict for what may not be taken."""
    shared = set(_paths(row["fieldsV1"])) & mine
    taken = [path for path in sorted(shared) if _value(old, path) != _value(sent, path)]
    if taken and not force:
        raise FieldConflict(str(row.get("manager", "")), ["." + ".".join(path) for path in taken])
    return {**row, "fieldsV1": _fields(set(_paths(row["fieldsV1"])) - set(taken))}


def _leaves(body: Any, at: Path = ()) -> Iterable[Path]:
    if isinstance(body, dict) and (body or not at):
        for key, value in body.items():
            yield from _leaves(value, (*at, str(key)))
    else:
        yield at


def _fields(paths: Iterable[Path]) -> Json:
    tree: Json = {}
    for path in sorted(paths):
        here = tree
        for part in path:
            here = here.setdefault(f"f:{part}", {})
    return tree


def _paths(tree: Json, at: Path = ()) -> Iterable[Path]:
    children = {key: value for key, value in tree.items() if key.startswith("f:")}
    if not children and at:
        yield at
    for key, value in children.items():
        yield from _paths(value, (*at, key[2:]))


def _value(body: Any, path: Path) -> Any:
    for part in path:
        body = body.get(part) if isinstance(body, dict) else None
    return body


def _remove(body: Any, path: Path) -> None:
    for part in path[:-1]:
        body = body.get(part) if isinstance(body, dict) else None
    if isinstance(body, dict):
        body.pop(path[-1], None)
