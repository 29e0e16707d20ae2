"""Which fields an object has that its kind has not, and which are of another type than they should be."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from harness.cluster.kubeapi.schemas import REF, schema_of, schemas
from harness.cluster.manifests.documents import Json
from harness.cluster.resources import Resource

# Quantities may be written as numbers, and so may what holds them.
_QUANTITIES = ("limits", "requests", "hard", "used", "capacity", "allocatable", "overhead", "max", "min", "default",
               "defaultRequest", "maxLimitRequestRatio", "divisor", "sizeLimit", "averageValue", "value",
               "storage")  # fmt: skip
_TYPES: dict[str, tuple[type, ...]] = {"string": (str,), "integer": (int,), "number": (int, float),
                                       "boolean": (bool,), "object": (dict,), "array": (list,)}  # fmt: skip
_WORDS = {bool: "bool", int: "number", float: "number", str: "string", dict: "object", list: "array"}


@dataclass
class Fields:
    """What is wrong with an object's fields: `unknown` ones by their paths, and the first of a wrong type in words."""

    kind: str
    unknown: list[str] = field(default_factory=list)
    wrong: str = ""

    @classmethod
    def of(cls, resource: Resource, body: Json) -> Fields:
        """Look through `body`; unknown fields are taken out of it, as they are in a cluster."""
        found, schema = cls(resource.kind), schema_of(resource)
        if schema is not None and not resource.custom:
            found._walk(body, schema, "", "")
        return found

    def _walk(self, value: Any, schema: Json, path: str, name: str) -> None:
        if value is None:
            return
        for part in schema.get("allOf") or ():
            schema = schemas().get(part["$ref"].removeprefix(REF), {})
        if "oneOf" in schema:
            if isinstance(value, bool) or not isinstance(value, int | str):
                self._mistyped(value, path, "intstr.IntOrString")
            return
        wanted = _TYPES.get(schema.get("type", ""))
        if wanted is None:
            return
        if not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted):
            if not (schema["type"] == "string" and isinstance(value, int | float) and name in _QUANTITIES):
                self._mistyped(value, path, schema["type"])
            return
        if isinstance(value, list):
            for index, item in enumerate(value):
                self._walk(item, schema.get("items") or {}, f"{path}[{index}]", name)
        elif isinstance(value, dict):
            self._map(value, schema, path, name)

    def _map(self, value: Json, schema: Json, path: str, name: str) -> None:
        properties, rest = schema.get("properties"), schema.get("additionalProperties") or {}
        if not properties:
            for item in value.values() if rest else ():
                self._walk(item, rest, path, name)
            return
        for key in list(value):
            where = f"{path}.{key}" if path else key
            if key in properties:
                self._walk(value[key], properties[key], where, key)
            else:
                self.unknown.append(where)
                del value[key]

    def _mistyped(self, value: Any, path: str, wanted: str) -> None:
        word = _WORDS.get(type(value), type(value).__name__)
        self.wrong = self.wrong or (
            f"json: cannot unmarshal {word} into Go struct field {self.kind}.{path} of type {_GO.get(wanted, wanted)}"
        )


_GO = {"integer": "int32", "boolean": "bool", "object": "map[string]interface {}", "array": "[]interface {}"}
