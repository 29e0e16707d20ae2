"""The part of JSONPath (RFC 9535) that conditions need: `$.a.b`, `[0]`, `[-1]`, `[*]`, `.*`, `..name`, `['x']`."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

_TOKEN = re.compile(
    r"\.\.(?P<deep>[\w-]+|\*)|\.(?P<name>[\w-]+|\*)|\[(?P<index>-?\d+|\*)\]|\[(?P<q>['\"])(?P<key>.*?)(?P=q)\]"
)


@lru_cache(maxsize=512)
def steps(path: str) -> tuple[tuple[str, Any], ...]:
    """The parsed path. Raises ValueError that shows where it stops being one."""
    rest = path[1:] if path.startswith("$") else "." + path
    found: list[tuple[str, Any]] = []
    at = 0
    while at < len(rest):
        token = _TOKEN.match(rest, at)
        if token is None:
            raise ValueError(f"{path!r} is not a JSONPath we know, from {rest[at:]!r} on")
        if token["deep"] is not None:
            found.append(("deep", token["deep"]))
        elif token["key"] is not None:
            found.append(("name", token["key"]))
        elif token["index"] is not None:
            found.append(("all", None) if token["index"] == "*" else ("index", int(token["index"])))
        else:
            found.append(("all", None) if token["name"] == "*" else ("name", token["name"]))
        at = token.end()
    return tuple(found)


def find(value: Any, path: str) -> list[Any]:
    """Every value the path leads to, in document order."""
    level = [value]
    for kind, arg in steps(path):
        level = [found for item in level for found in _step(item, kind, arg)]
    return level


def _step(item: Any, kind: str, arg: Any) -> list[Any]:
    if kind == "name":
        return [item[arg]] if isinstance(item, dict) and arg in item else []
    if kind == "index":
        return [item[arg]] if isinstance(item, list) and -len(item) <= arg < len(item) else []
    children = list(item.values()) if isinstance(item, dict) else list(item) if isinstance(item, list) else []
    if kind == "all":
        return children
    own = children if arg == "*" else [item[arg]] if isinstance(item, dict) and arg in item else []
    return own + [found for child in children for found in _step(child, "deep", arg)]
