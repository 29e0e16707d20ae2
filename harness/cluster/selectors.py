"""Label and field selectors, in both of the forms that Kubernetes has."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from harness.cluster.manifests.documents import Json


def matches(selector: Json | None, labels: Mapping[str, str] | None) -> bool:
    """A LabelSelector (`matchLabels`, `matchExpressions`) or a plain map of labels. An empty one matches all."""
    labels = labels or {}
    selector = selector or {}
    if "matchLabels" not in selector and "matchExpressions" not in selector:
        return all(labels.get(key) == value for key, value in selector.items())
    if any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    return all(_expression(entry, labels) for entry in selector.get("matchExpressions") or ())


def _expression(entry: Json, labels: Mapping[str, str]) -> bool:
    value, values = labels.get(entry["key"]), entry.get("values") or ()
    match entry.get("operator"):
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
    raise ValueError(f"unknown operator {entry.get('operator')!r}")


_TERM = re.compile(
    r"\s*(?:(?P<key>!?[\w./-]+)\s*(?:(?P<op>==|=|!=|\s+in\s+|\s+notin\s+)\s*(?P<value>\([^)]*\)|[^,]*))?)\s*(?:,|$)"
)


def label_query(query: str, labels: Mapping[str, str] | None) -> bool:
    """A label selector as in a URL: `a=b,c!=d,e in (f,g),h,!i`. Raises ValueError for one that is none."""
    labels = labels or {}
    position = 0
    while position < len(query):
        term = _TERM.match(query, position)
        if term is None or not term[0]:
            raise ValueError(f"unable to parse requirement: {query[position:]!r}")
        position = term.end()
        key, op, value = term["key"], (term["op"] or "").strip(), (term["value"] or "").strip()
        found = labels.get(key.lstrip("!"))
        values = [part.strip() for part in value.strip("()").split(",")]
        good = {
            "": (found is None) == key.startswith("!"),
            "=": found == value,
            "==": found == value,
            "!=": found != value,
            "in": found in values,
            "notin": found not in values,
        }[op]
        if not good:
            return False
    return True


def field_query(query: str, body: Json) -> bool:
    """A field selector: `metadata.name=x,status.phase!=Running`."""
    for term in filter(None, query.split(",")):
        match = re.fullmatch(r"([\w.]+)(==|!=|=)(.*)", term.strip())
        if match is None:
            raise ValueError(f"invalid field selector: {term!r}")
        here: Any = body
        for part in match[1].split("."):
            here = here.get(part, "") if isinstance(here, dict) else ""
        if (str(here) == match[3]) == (match[2] == "!="):
            return False
    return True
