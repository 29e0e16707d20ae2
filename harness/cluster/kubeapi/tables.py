"""Objects as the Table that `kubectl get` asks for and prints."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from harness.cluster.kubeapi.columns import COLUMNS, Column
from harness.cluster.kubeapi.printing import age
from harness.cluster.manifests.documents import Json
from harness.cluster.resources import Resource

_AGE: tuple[Column, ...] = (Column("Age", age),)


def table(resource: Resource, bodies: list[Json], version: int, now: datetime, whole: str) -> Json:
    """A meta.k8s.io/v1 Table of `bodies`. `whole` says what stands beside each row: Object, Metadata or None."""
    columns = COLUMNS.get(resource.key) or _custom(resource) or _AGE
    name = Column("Name", lambda body, _: body["metadata"]["name"], wide=resource.key == "events")
    columns = (*columns, name) if name.wide else (name, *columns)
    head = [
        {
            "name": column.name,
            "type": column.kind,
            "format": "name" if column.name == "Name" else "",
            "description": column.name,
            "priority": 1 if column.wide else 0,
        }
        for column in columns
    ]
    rows = [{"cells": [_cell(column, body, now) for column in columns], **_beside(body, whole)} for body in bodies]
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {"resourceVersion": str(version)},
        "columnDefinitions": head,
        "rows": rows,
    }


def _cell(column: Column, body: Json, now: datetime) -> Any:
    try:
        return column.cell(body, now)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError):
        return "<unknown>"  # what a row shows never breaks the list


def _beside(body: Json, whole: str) -> Json:
    if whole == "None":
        return {}
    if whole == "Object":
        return {"object": body}
    head = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}
    return {"object": {**head, "metadata": body["metadata"]}}


def _custom(resource: Resource) -> tuple[Column, ...]:
    """The columns that a CustomResourceDefinition asks for (additionalPrinterColumns)."""
    rows = [
        Column(row["name"], _path(str(row["jsonPath"])), kind=row.get("type", "string"), wide=bool(row.get("priority")))
        if row.get("type") != "date"
        else Column(row["name"], lambda body, now, path=str(row["jsonPath"]): _since(path, body, now))  # type: ignore[misc]
        for row in resource.columns
    ]
    return tuple(rows)


def _path(path: str) -> Any:
    return lambda body, _: _found(path, body)


def _found(path: str, body: Json) -> Any:
    here: Any = body
    for part in path.strip(".").split("."):
        here = here.get(part) if isinstance(here, dict) else None
    return "" if here is None else here


def _since(path: str, body: Json, now: datetime) -> str:
    return age({"metadata": {"creationTimestamp": _found(path, body)}}, now)
