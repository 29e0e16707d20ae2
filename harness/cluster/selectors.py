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


_KEY = r"(?:[A-Za-z0-9.-]+/)?[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?"
_VALUE = r"(?:[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?)?"
_TERM = re.compile(
    rf"\s*(?:(?P<not>!)\s*(?P<absent>{_KEY})|(?P<key>{_KEY})\s*(?:(?P<op>==|=|!=|>|<)\s*(?P<value>{_VALUE})"
    rf"|\s(?P<set>in|notin)\s*\((?P<values>\s*{_VALUE}\s*(?:,\s*{_VALUE}\s*)*)\))?)\s*(?:,|$)"
)


def label_query(query: str, labels: Mapping[str, str] | None) -> bool:
    """A label selector as in a URL: `a=b,c!=d,e in (f,g),h,!i,j>3`. Raises ValueError for one that is none."""
    labels = labels or {}
    position, good = 0, True
    while position < len(query):
        term = _TERM.match(query, position)
        if term is None or not term[0].strip():
            raise ValueError(f"unable to parse requirement: found '{query[position:]}', expected: identifier")
        position = term.end()
        good = _holds(term, labels) and good  # to the end: a mistake behind what does not match is one, too
    return good


def _holds(term: re.Match[str], labels: Mapping[str, str]) -> bool:
    if term["not"]:
        return term["absent"] not in labels
    found = labels.get(term["key"])
    if term["set"]:
        values = [part.strip() for part in term["values"].split(",")]
        return (found in values) == (term["set"] == "in")
    match term["op"]:
        case "=" | "==":
            return found == term["value"]
        case "!=":
            return found != term["value"]
        case ">" | "<":
            limit = int(term["value"])
            if found is None or not found.lstrip("-").isdigit():
                return False
            return int(found) > limit if term["op"] == ">" else int(found) < limit
    return found is not None


# What a kind can be chosen by besides its name and namespace; a custom one by nothing else.
_FIELDS = {
    "pods": ("spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName",
             "spec.hostNetwork", "status.phase", "status.podIP", "status.podIPs", "status.nominatedNodeName"),
    "events": ("involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid",
               "involvedObject.apiVersion", "involvedObject.resourceVersion", "involvedObject.fieldPath", "reason",
               "reportingComponent", "source", "type"),
    "secrets": ("type",),
    "services": ("spec.clusterIP", "spec.type"),
    "namespaces": ("status.phase",),
    "nodes": ("spec.unschedulable",),
    "jobs": ("status.successful",),
    "replicasets": ("status.replicas",),
    "replicationcontrollers": ("status.replicas",),
    "certificatesigningrequests": ("spec.signerName",),
}  # fmt: skip


def field_query(query: str, body: Json, kind: str | None = None) -> bool:
    """A field selector: `metadata.name=x,status.phase!=Running`. Raises ValueError for one that is none, and for a
    field that objects of `kind` (its plural) cannot be chosen by."""
    good = True
    for term in filter(None, (part.strip() for part in query.split(","))):
        match = re.fullmatch(r"([\w.]+)(==|!=|=)(.*)", term)
        if match is None:
            raise ValueError(f"invalid field selector: {term!r}")
        known = ("metadata.name", "metadata.namespace", *_FIELDS.get(kind or "", ()))
        if kind is not None and match[1] not in known:
            raise ValueError(f"field label not supported: {match[1]}")
        here: Any = body
        for part in _at(kind, match[1]).split("."):
            here = here.get(part, "") if isinstance(here, dict) else ""
        text = str(here).lower() if isinstance(here, bool) else "false" if here == "" and _bool(match[1]) else str(here)
        good = ((text == match[3]) != (match[2] == "!=")) and good
    return good


def _at(kind: str | None, field: str) -> str:
    return {("events", "source"): "source.component", ("jobs", "status.successful"): "status.succeeded"}.get(
        (kind or "", field), field
    )


def _bool(field: str) -> bool:
    return field in ("spec.unschedulable", "spec.hostNetwork")
