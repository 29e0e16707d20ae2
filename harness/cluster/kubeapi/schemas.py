"""What each built-in kind looks like: its fields, their types, what they are for. From the official Python client.

`python -m harness.cluster.kubeapi.schemas` makes `schemas.json.gz` anew from the installed `kubernetes` package.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
from functools import cache
from pathlib import Path
from typing import Any

from harness.cluster.manifests.documents import Json
from harness.cluster.resources import BUILT_IN, Resource

FILE = Path(__file__).parent / "schemas.json.gz"
REF = "#/components/schemas/"
_EVENT = "CoreV1Event"


@cache
def schemas() -> dict[str, Json]:
    """Every schema by its name."""
    loaded: dict[str, Json] = json.loads(gzip.decompress(FILE.read_bytes()))
    return loaded


def name_of(resource: Resource) -> str:
    """The name of a kind's schema."""
    return _named(_model(resource))


def _model(resource: Resource) -> str:
    """What the client calls a kind."""
    return _EVENT if resource.key == "events" else resource.version.capitalize() + resource.kind


def _named(model: str) -> str:
    """The client's `CoreV1Event` as `io.k8s.core.v1.Event`: kubectl shows what follows the last dot."""
    match = re.fullmatch(r"([A-Z][a-z]+)?(V\d+(?:(?:alpha|beta)\d+)?)([A-Z].*)", model)
    if match is None:
        return f"io.k8s.{model}"
    return ".".join(["io.k8s", *([match[1].lower()] if match[1] else []), match[2].lower(), match[3]])


def schema_of(resource: Resource) -> Json | None:
    """A kind's schema; None for one that has none. A custom one's is in its definition."""
    return resource.schema if resource.custom else schemas().get(name_of(resource))


def reachable(names: list[str]) -> dict[str, Json]:
    """The schemas `names`, and all that they refer to."""
    found: dict[str, Json] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in found or name not in schemas():
            continue
        found[name] = schemas()[name]
        waiting += [text.removeprefix(REF) for text in _refs(found[name])]
    return found


def _refs(node: Any) -> list[str]:
    if isinstance(node, dict):
        mine = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return mine + [ref for value in node.values() for ref in _refs(value)]
    return [ref for value in node for ref in _refs(value)] if isinstance(node, list) else []


def _simple(node: Json, text: str = "") -> Json:
    """One pydantic schema as Kubernetes writes it: no nulls, no titles, int-or-string by its name."""
    text = str(node.get("description") or text).partition("\n\nAttributes:")[0]
    told: Json = {"description": text} if text else {}
    options = [option for option in node.get("anyOf") or () if option != {"type": "null"}]
    if len(options) == 1:
        return _simple(options[0], text)
    kinds = {option.get("type") for option in options}
    if kinds == {"integer", "string"}:
        return {**told, "format": "int-or-string", "oneOf": [{"type": "integer"}, {"type": "string"}]}
    if kinds == {"string"}:
        return {**told, "type": "string", "format": "byte"}
    if "$ref" in node:
        return {**told, "allOf": [{"$ref": REF + _named(node["$ref"].rpartition("/")[2])}]}
    new: Json = dict(told)
    new.update({key: node[key] for key in ("type", "format", "required") if key in node})
    if "properties" in node:
        new["properties"] = {key: _simple(value) for key, value in node["properties"].items()}
    if isinstance(node.get("additionalProperties"), dict):
        new["additionalProperties"] = _simple(node["additionalProperties"])
    if "items" in node:
        new["items"] = _simple(node["items"])
    return new


def build() -> None:
    """Write FILE."""
    from kubernetes import client

    found: dict[str, Json] = {}
    for resource in BUILT_IN:
        model = getattr(client, _model(resource), None)
        if model is None:
            continue
        whole = model.model_json_schema(by_alias=True)
        for name, schema in {**whole.pop("$defs", {}), _model(resource): whole}.items():
            found[_named(name)] = _simple(schema)
    text = json.dumps(found, sort_keys=True, separators=(",", ":")).encode()
    FILE.write_bytes(gzip.compress(text, mtime=0))
    print(f"{len(found)} schemas, {FILE.stat().st_size} bytes", file=sys.stderr)


if __name__ == "__main__":
    build()
