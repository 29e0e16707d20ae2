"""Server-side apply: each manager owns the fields that it applied, and what it applies no longer goes.

After https://kubernetes.io/docs/reference/using-api/server-side-apply/; what is owned, and by whom, is in `managers`.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable

from harness.cluster.kubeapi.managers import Path, owned, paths, remove, shown, tree, value_at
from harness.cluster.manifests.documents import Json
from harness.cluster.manifests.merge import strategic_merge


class FieldConflict(Exception):
    """Other managers own fields with other values. `causes` are who and which, in the API server's words."""

    def __init__(self, conflicts: list[tuple[str, str]]) -> None:
        self.causes = [
            {"reason": "FieldManagerConflict", "message": f"conflict with {who}", "field": field}
            for who, field in conflicts
        ]
        if len(conflicts) == 1:
            super().__init__(f"Apply failed with 1 conflict: conflict with {conflicts[0][0]}: {conflicts[0][1]}")
            return
        lines = []
        for who in sorted({who for who, _ in conflicts}):
            lines.append(f"conflicts with {who}:")
            lines += [f"- {field}" for other, field in conflicts if other == who]
        super().__init__(f"Apply failed with {len(conflicts)} conflicts: " + "\n".join(lines))


def applied(old: Json | None, sent: Json, *, manager: str, force: bool, now: str) -> Json:
    """`old` (None: there is none yet) after `manager` applied `sent`. Raises FieldConflict unless `force`."""
    sent = copy.deepcopy(sent)
    sent.get("metadata", {}).pop("managedFields", None)
    mine = owned(sent)
    rows = list(((old or {}).get("metadata") or {}).get("managedFields") or ())
    before: set[Path] = set()
    others: list[Json] = []
    conflicts: list[tuple[str, str]] = []
    for row in rows:
        has = set(paths(row.get("fieldsV1") or {}))
        if row.get("manager") == manager and row.get("operation") == "Apply":
            before |= has
            continue
        taken = {path for path in has & mine if value_at(old, path) != value_at(sent, path)}
        conflicts += [(_who(row), shown(path)) for path in sorted(taken)]
        others.append({**row, "fieldsV1": tree(has - taken)})
    if conflicts and not force:
        raise FieldConflict(conflicts)
    base = copy.deepcopy(old) if old else {}
    kept = {path for row in others for path in paths(row["fieldsV1"])}
    for path in _deepest_first(before - mine - kept):
        remove(base, path)
    new: Json = strategic_merge(base, sent)
    entry = {
        "manager": manager,
        "operation": "Apply",
        "apiVersion": sent.get("apiVersion", ""),
        "time": now,
        "fieldsType": "FieldsV1",
        "fieldsV1": tree(mine),
    }
    metadata = {**(new.get("metadata") or {}), "managedFields": [*(row for row in others if row["fieldsV1"]), entry]}
    return {**new, "metadata": metadata}


def _who(row: Json) -> str:
    name = f'"{row.get("manager", "")}"'
    if row.get("operation") != "Update":
        return name
    sub = f' with subresource "{row["subresource"]}"' if row.get("subresource") else ""
    return f"{name}{sub} using {row.get('apiVersion', '')}"


def _deepest_first(found: Iterable[Path]) -> list[Path]:
    # The key of a list's item comes last: with it the rest of the item goes.
    return sorted(found, key=lambda path: (path[-1][2:] in path[-2] if len(path) > 1 else False, path))
