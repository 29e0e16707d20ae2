"""managedFields: which manager owns which fields, in FieldsV1.

Lists that a strategic merge joins by a key are owned item by item, the others whole, and so are plain values.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from harness.cluster.kubeapi.request import Ask
from harness.cluster.manifests.documents import Json
from harness.cluster.manifests.merge import merge_key

Path = tuple[str, ...]  # each part as FieldsV1 writes it: `f:name`, or `k:{"name":"web"}` for an item of a list
_NOT_OWNED = {("f:apiVersion",), ("f:kind",)}
_NOT_OWNED_METADATA = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp", "generation",
                       "managedFields", "selfLink", "deletionTimestamp", "deletionGracePeriodSeconds")  # fmt: skip


def owned(body: Json, *, status: bool = False) -> set[Path]:
    """The fields of an object that a manager can own, with those of its status or without."""
    gone = _NOT_OWNED | {("f:metadata", f"f:{name}") for name in _NOT_OWNED_METADATA}
    return {
        path
        for path in _leaves(body)
        if path not in gone and path[:2] not in gone and (status or path[0] != "f:status")
    }


def _leaves(body: Any, at: Path = (), name: str = "") -> Iterable[Path]:
    key = merge_key(name, body)
    if key is not None:
        for item in body:
            part = f"k:{json.dumps({key: item[key]}, separators=(',', ':'))}"
            yield from _leaves(item, (*at, part))
    elif isinstance(body, dict) and (body or not at):
        for field, value in body.items():
            yield from _leaves(value, (*at, f"f:{field}"), str(field))
    else:
        yield at


def tree(paths: Iterable[Path]) -> Json:
    """Paths as FieldsV1."""
    top: Json = {}
    for path in sorted(paths):
        here = top
        for part in path:
            here = here.setdefault(part, {})
    return top


def paths(fields: Json, at: Path = ()) -> Iterable[Path]:
    """FieldsV1 as paths."""
    children = {part: value for part, value in fields.items() if part.startswith(("f:", "k:"))}
    if not children and at:
        yield at
    for part, value in children.items():
        yield from paths(value, (*at, part))


def value_at(body: Any, path: Path) -> Any:
    """What stands at a path; None where nothing does."""
    for part in path:
        body = _step(body, part)
    return body


def _step(body: Any, part: str) -> Any:
    if part.startswith("f:"):
        return body.get(part[2:]) if isinstance(body, dict) else None
    wanted = json.loads(part[2:])
    rows = body if isinstance(body, list) else ()
    return next(
        (row for row in rows if isinstance(row, dict) and all(row.get(k) == v for k, v in wanted.items())), None
    )


def remove(body: Any, path: Path) -> None:
    """Take away what stands at a path; an item of a list goes when no more than its key is left of it."""
    for index, part in enumerate(path[:-1]):
        parent, body = body, _step(body, part)
        if part.startswith("k:") and isinstance(body, dict) and isinstance(parent, list):
            rest = path[index + 1 :]
            if len(rest) == 1 and rest[0][2:] in json.loads(part[2:]):
                parent.remove(body)
                return
    if isinstance(body, dict):
        body.pop(path[-1][2:], None)


def shown(path: Path) -> str:
    """A path as conflicts name it: `.spec.containers[name="web"].image`."""
    text = ""
    for part in path:
        if part.startswith("f:"):
            text += f".{part[2:]}"
        else:
            text += "[" + ",".join(f"{k}={json.dumps(v)}" for k, v in json.loads(part[2:]).items()) + "]"
    return text


def updated(old: Json | None, new: Json, *, manager: str, sub: str, now: str) -> list[Json]:
    """The rows of managedFields after `manager` changed `old` (None: there was none) to `new` by any other way than
    apply: what it changed is its own, and nobody else's."""
    given = (new.get("metadata") or {}).get("managedFields")
    rows = given if given is not None else ((old or {}).get("metadata") or {}).get("managedFields")
    there = owned(new, status=True)
    mine = {path for path in there if (path[0] == "f:status") == (sub == "status")}
    changed = {path for path in mine if value_at(old or {}, path) != value_at(new, path)}
    version = str(new.get("apiVersion", ""))
    kept, found = [], False
    for row in rows or ():
        has = set(paths(row.get("fieldsV1") or {}))
        same = (row.get("manager"), row.get("operation"), row.get("subresource", "")) == (manager, "Update", sub)
        left = ((has | changed) if same else (has - changed)) & there
        if same:
            found = True
            row = {**row, "time": now, "apiVersion": version} if changed else row
        if left:
            kept.append({**row, "fieldsV1": tree(left)})
    if changed and not found:
        entry = {"manager": manager, "operation": "Update", "apiVersion": version, "time": now,
                 "fieldsType": "FieldsV1", "fieldsV1": tree(changed)}  # fmt: skip
        kept.append({**entry, "subresource": sub} if sub else entry)
    return kept


def manager_of(ask: Ask) -> str:
    """Who changes something: as it says, or what it calls itself."""
    return ask.query.get("fieldManager") or ask.http.headers.get("user-agent", "").partition("/")[0] or "unknown"
