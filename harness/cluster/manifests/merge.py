"""The two kinds of kustomize patches."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

# Lists of objects that a strategic merge joins by a key; the others are replaced whole. From the
# patchMergeKey annotations of k8s.io/api core/v1.
MERGE_KEYS = {
    "containers": "name",
    "initContainers": "name",
    "volumes": "name",
    "env": "name",
    "ports": "containerPort",
    "volumeMounts": "mountPath",
    "imagePullSecrets": "name",
    "topologySpreadConstraints": "topologyKey",
    "hostAliases": "ip",
    "conditions": "type",
    "ownerReferences": "uid",
    "secrets": "name",
    "taints": "key",
    "addresses": "type",
    "volumeDevices": "devicePath",
    "ephemeralContainers": "name",
}
# Lists of words that a strategic merge joins.
JOINED = ("finalizers",)
_ORDER, _DELETE, _RETAIN = "$setElementOrder/", "$deleteFromPrimitiveList/", "$retainKeys"


def merge_key(name: str, rows: Any) -> str | None:
    """The key by which the list called `name` is joined; None for one that is replaced whole."""
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        return None
    key = "port" if name == "ports" and "port" in rows[0] else MERGE_KEYS.get(name)
    return key if key and all(key in row for row in rows) else None


def strategic_merge(base: Any, patch: Any, key: str = "") -> Any:
    """`base` with `patch` laid over it as kubectl would: maps merge, null deletes, keyed lists join."""
    if isinstance(base, dict) and isinstance(patch, dict):
        if patch.get("$patch") == "replace":
            return {name: copy.deepcopy(value) for name, value in patch.items() if name != "$patch"}
        merged = dict(base)
        if _RETAIN in patch:
            merged = {name: value for name, value in merged.items() if name in patch[_RETAIN]}
        for name, value in patch.items():
            if name.startswith(_DELETE):
                field = name.removeprefix(_DELETE)
                merged[field] = [item for item in merged.get(field) or () if item not in value]
            elif name.startswith("$"):
                continue  # the order of a list is that of the patch and then of the base, whatever kubectl asks for
            elif value is None:
                merged.pop(name, None)
            elif name in merged:
                merged[name] = strategic_merge(merged[name], value, name)
            else:
                merged[name] = _without_directives(value)
        return merged
    if isinstance(base, list) and isinstance(patch, list):
        joined_by = merge_key(key, patch)
        if joined_by:
            return _merge_lists(base, patch, joined_by)
        if key in JOINED:
            return [*base, *(item for item in patch if item not in base)]
    return _without_directives(patch)


def _without_directives(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_directives(v) for k, v in value.items() if not k.startswith("$") and v is not None}
    if isinstance(value, list):
        return [_without_directives(item) for item in value]
    return value


def _merge_lists(base: list[Any], patch: list[Any], by: str) -> list[Any]:
    # kubectl puts the items that only the patch has in front.
    names = {item.get(by) for item in base}
    added = [copy.deepcopy(p) for p in patch if p[by] not in names and p.get("$patch") != "delete"]
    changes = {p[by]: p for p in patch if p[by] in names}
    kept = []
    for item in base:
        change = changes.get(item.get(by))
        if change is None:
            kept.append(item)
        elif change.get("$patch") != "delete":
            kept.append(strategic_merge(item, change))
    return [*added, *kept]


def json_patch(base: Any, operations: Sequence[dict[str, Any]]) -> Any:
    """`base` after the operations of RFC 6902. Raises ValueError naming the path that is not there."""
    result = copy.deepcopy(base)
    for operation in operations:
        name, path = operation.get("op"), str(operation.get("path", ""))
        parts = [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[1:]]
        if not parts:
            raise ValueError(f"path {path!r} names nothing")
        parent = result
        for part in parts[:-1]:
            parent = _step(parent, part, path)
        last = parts[-1]
        if name == "test":
            if _step(parent, last, path) != operation.get("value"):
                raise ValueError(f"test at {path} does not hold")
        elif name == "add":
            value = copy.deepcopy(operation.get("value"))
            if isinstance(parent, list):
                parent.insert(len(parent) if last == "-" else int(last), value)
            else:
                parent[last] = value
        elif name in ("copy", "move"):
            source = str(operation.get("from", ""))
            value = result
            for part in source.split("/")[1:]:
                value = _step(value, part.replace("~1", "/").replace("~0", "~"), source)
            steps: list[dict[str, Any]] = [{"op": "add", "path": path, "value": value}]
            if name == "move":
                steps.insert(0, {"op": "remove", "path": source})
            result = json_patch(result, steps)
        elif name in ("replace", "remove"):
            _step(parent, last, path)
            index: Any = int(last) if isinstance(parent, list) else last
            if name == "remove":
                del parent[index]
            else:
                parent[index] = copy.deepcopy(operation.get("value"))
        else:
            raise ValueError(f"op {name!r} is not add, copy, move, replace, remove or test")
    return result


def _step(parent: Any, part: str, path: str) -> Any:
    try:
        return parent[int(part)] if isinstance(parent, list) else parent[part]
    except (KeyError, IndexError, ValueError, TypeError):
        raise ValueError(f"there is nothing at {path} (missing {part!r})") from None
