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
}


def strategic_merge(base: Any, patch: Any, key: str = "") -> Any:
    """`base` with `patch` laid over it as kubectl would: maps merge, null deletes, keyed lists join."""
    if isinstance(base, dict) and isinstance(patch, dict):
        if patch.get("$patch") == "replace":
            return {name: copy.deepcopy(value) for name, value in patch.items() if name != "$patch"}
        merged = dict(base)
        for name, value in patch.items():
            if name == "$patch":
                continue
            if value is None:
                merged.pop(name, None)
            elif name in merged:
                merged[name] = strategic_merge(merged[name], value, name)
            else:
                merged[name] = copy.deepcopy(value)
        return merged
    if isinstance(base, list) and isinstance(patch, list) and patch and all(isinstance(p, dict) for p in patch):
        merge_key = "port" if key == "ports" and "port" in patch[0] else MERGE_KEYS.get(key)
        if merge_key and all(merge_key in item for item in patch):
            return _merge_lists(base, patch, merge_key)
    return copy.deepcopy(patch)


def _merge_lists(base: list[Any], patch: list[Any], merge_key: str) -> list[Any]:
    # kubectl puts the items that only the patch has in front.
    names = {item.get(merge_key) for item in base}
    added = [copy.deepcopy(p) for p in patch if p[merge_key] not in names and p.get("$patch") != "delete"]
    changes = {p[merge_key]: p for p in patch if p[merge_key] in names}
    kept = []
    for item in base:
        change = changes.get(item.get(merge_key))
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
        elif name in ("replace", "remove"):
            _step(parent, last, path)
            index: Any = int(last) if isinstance(parent, list) else last
            if name == "remove":
                del parent[index]
            else:
                parent[index] = copy.deepcopy(operation.get("value"))
        else:
            raise ValueError(f"op {name!r} is not add, replace, remove or test")
    return result


def _step(parent: Any, part: str, path: str) -> Any:
    try:
        return parent[int(part)] if isinstance(parent, list) else parent[part]
    except (KeyError, IndexError, ValueError, TypeError):
        raise ValueError(f"there is nothing at {path} (missing {part!r})") from None
