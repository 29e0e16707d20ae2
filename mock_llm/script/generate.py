"""Values that satisfy a JSON Schema, made up from the conversation and a seed."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from typing import Any

import orjson

from mock_llm.completion import Request, Tool
from mock_llm.script.from_regex import text_for

_DEEPEST = 8
# A schema that asks for more would take the server's time from everyone.
_MOST_ITEMS = 1_000
_MOST_LETTERS = 10_000
_WORDS = ("alpha", "bravo", "delta", "ember", "harbor", "lumen", "orbit", "quartz", "river", "summit")
_FREE_TEXT = re.compile(
    r"quer|search|question|text|prompt|topic|input|message|content|keyword|term|subject|task|description|^q$"
)
_FORMATS = {
    "date": "2026-01-15",
    "date-time": "2026-01-15T09:30:00Z",
    "time": "09:30:00Z",
    "duration": "PT15M",
    "email": "ada@example.com",
    "idn-email": "ada@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.10",
    "ipv6": "2001:db8::10",
    "uri": "https://example.com/item",
    "uri-reference": "/item",
    "url": "https://example.com/item",
    "json-pointer": "/item",
    "regex": "^a+$",
}


def arguments_for(tool: Tool | None, request: Request, rng: random.Random) -> str:
    """JSON text of arguments for a call of `tool`; `{}` for a tool that was not offered."""
    if tool is None:
        return "{}"
    if tool.custom:
        return words_of(request.newest_user, 12)
    value = value_for(dict(tool.parameters) or {"type": "object"}, rng, request.newest_user)
    return orjson.dumps(value if isinstance(value, dict) else {}).decode()


def value_for(schema: Mapping[str, Any] | bool, rng: random.Random, text: str = "") -> Any:
    """A value that satisfies `schema`; strings and numbers lean on `text` where the schema leaves room.

    Optional properties are left out, so that the value is as small as the schema allows. A schema that asks for more
    than a thousand items or ten thousand letters gets so many.
    """
    root = schema if isinstance(schema, Mapping) else {}
    return _Maker(root, rng, text).value(schema, "", 0)


def words_of(text: str, most: int = 8) -> str:
    """The first words of a text, without its punctuation at the ends; never empty."""
    words = [word.strip(".,;:!?\"'()[]") for word in text.split()]
    return " ".join([word for word in words if word][:most]) or "example"


class _Maker:
    def __init__(self, root: Mapping[str, Any], rng: random.Random, text: str) -> None:
        self._root = root
        self._rng = rng
        self._text = text
        self._numbers = [float(n) for n in re.findall(r"(?<![\w.])-?\d+(?:\.\d+)?", text)]

    def value(self, schema: Any, name: str, depth: int) -> Any:
        if not isinstance(schema, Mapping):
            return words_of(self._text, 3)
        schema = self._flat(schema, depth)
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return self._of_enum(schema["enum"])
        if "default" in schema and not _FREE_TEXT.search(name):
            return schema["default"]
        if schema.get("examples"):
            return schema["examples"][0]
        kind = schema.get("type")
        if isinstance(kind, list):
            kind = next((k for k in kind if k != "null"), "null")
        if kind is None:
            kind = (
                "object"
                if "properties" in schema
                else "array"
                if "items" in schema or "prefixItems" in schema
                else "string"
            )
        make = getattr(self, f"_{kind}", None)
        return make(schema, name, depth) if make else None

    def _flat(self, schema: Mapping[str, Any], depth: int) -> Mapping[str, Any]:
        """References resolved, allOf merged, the simplest of anyOf/oneOf chosen."""
        for _ in range(20):
            if "$ref" in schema:
                rest = {k: v for k, v in schema.items() if k != "$ref"}
                schema = {**self._resolve(str(schema["$ref"])), **rest}
            elif schema.get("allOf"):
                rest = {k: v for k, v in schema.items() if k != "allOf"}
                for part in schema["allOf"]:
                    rest = _merge(rest, self._flat(part, depth + 1))
                schema = rest
            elif schema.get("anyOf") or schema.get("oneOf"):
                word = "anyOf" if schema.get("anyOf") else "oneOf"
                options = [o for o in schema[word] if isinstance(o, Mapping)]
                rest = {k: v for k, v in schema.items() if k != word}
                solid = [o for o in options if o.get("type") != "null"]
                # Deep down, null ends a recursion if it may.
                pick = options[-1] if depth > _DEEPEST or not solid else solid[0]
                if depth > _DEEPEST:
                    pick = next((o for o in options if o.get("type") == "null"), pick)
                schema = _merge(rest, pick)
            else:
                return schema
        return schema

    def _resolve(self, ref: str) -> Mapping[str, Any]:
        node: Any = self._root
        for part in ref.removeprefix("#").strip("/").split("/") if ref != "#" else ():
            part = part.replace("~1", "/").replace("~0", "~")
            node = node.get(part, {}) if isinstance(node, Mapping) else {}
        return node if isinstance(node, Mapping) else {}

    def _of_enum(self, values: list[Any]) -> Any:
        lowered = self._text.casefold()
        named = [v for v in values if isinstance(v, str) and v and v.casefold() in lowered]
        return max(named, key=len) if named else values[0]

    def _object(self, schema: Mapping[str, Any], name: str, depth: int) -> dict[str, Any]:
        properties = schema.get("properties") or {}
        wanted = list(schema.get("required") or [])
        made = {key: self.value(properties.get(key, {}), key, depth + 1) for key in wanted}
        for key in properties:
            if key not in made and len(made) < schema.get("minProperties", 0):
                made[key] = self.value(properties[key], key, depth + 1)
        if not made and depth == 0 and properties:
            # Nothing is required: a call with no argument at all would say nothing, so give the first.
            key = next((k for k in properties if _FREE_TEXT.search(k)), next(iter(properties)))
            made[key] = self.value(properties[key], key, depth + 1)
        extra = schema.get("additionalProperties", {})
        while len(made) < min(schema.get("minProperties", 0), _MOST_ITEMS) and extra is not False:
            made[f"key{len(made)}"] = self.value(extra, "", depth + 1)
        return made

    def _array(self, schema: Mapping[str, Any], name: str, depth: int) -> list[Any]:
        fixed = [self.value(item, name, depth + 1) for item in schema.get("prefixItems", ())]
        least = min(schema.get("minItems", 0), _MOST_ITEMS)
        size = max(least, 1 if depth <= _DEEPEST and schema.get("maxItems", 1) > 0 and not fixed else 0)
        items = schema.get("items", {})
        while len(fixed) < size and items is not False:
            item = self.value(items, name, depth + 1)
            if schema.get("uniqueItems") and item in fixed:
                item = self._another(items, name, depth, fixed)
            fixed.append(item)
        return fixed

    def _another(self, items: Any, name: str, depth: int, taken: list[Any]) -> Any:
        flat = self._flat(items, depth) if isinstance(items, Mapping) else {}
        for value in flat.get("enum", ()):
            if value not in taken:
                return value
        first = self.value(items, name, depth + 1)
        if isinstance(first, int | float) and not isinstance(first, bool):
            return first + flat.get("multipleOf", 1) * len(taken)
        return f"{first}{len(taken)}" if isinstance(first, str) else first

    def _string(self, schema: Mapping[str, Any], name: str, depth: int) -> str:
        if "pattern" in schema:
            return text_for(schema["pattern"], self._rng, min(schema.get("minLength", 0), _MOST_LETTERS))
        form = schema.get("format", "")
        if form == "uuid":
            return str(_uuid(self._rng))
        if form in _FORMATS:
            return _FORMATS[form]
        return _fit(self._free(name.casefold()), schema.get("minLength", 0), schema.get("maxLength"))

    def _free(self, name: str) -> str:
        text = self._text
        if _FREE_TEXT.search(name) or not name:
            return words_of(text)
        if re.search(r"cit(y|ies)|location|place|country|name|who|person|company|destination|origin", name):
            proper = re.findall(r"(?<!^)(?<![.!?] )\b[A-Z][\w-]+(?: [A-Z][\w-]+)*", text)
            if proper:
                return str(proper[-1] if "dest" in name else proper[0])
        if re.search(r"(^|_)id$|ids?$|number|code|ref", name):
            marked = re.findall(r"\b(?=[\w-]*\d)[\w-]{2,}\b", text)
            if marked:
                return str(marked[0])
        if re.search(r"expr|formula|equation", name):
            sums = re.findall(r"[\d(][\d\s+\-*/().^]*[\d)]", text)
            return max(sums, key=len).strip() if sums else "1 + 1"
        if re.search(r"url|link|href", name):
            links = re.findall(r"https?://\S+", text)
            return str(links[0]) if links else _FORMATS["uri"]
        if re.search(r"path|file", name):
            return "notes.txt"
        return words_of(text, 4) if text else self._rng.choice(_WORDS)

    def _integer(self, schema: Mapping[str, Any], name: str, depth: int) -> int:
        return int(self._numeric(schema, whole=True))

    def _number(self, schema: Mapping[str, Any], name: str, depth: int) -> float | int:
        value = self._numeric(schema, whole=False)
        return int(value) if float(value).is_integer() else value

    def _numeric(self, schema: Mapping[str, Any], *, whole: bool) -> float:
        low, high = schema.get("minimum"), schema.get("maximum")
        step = schema.get("multipleOf") or (1 if whole else None)
        tiny = step or 0.5
        if isinstance(schema.get("exclusiveMinimum"), int | float):
            edge = schema["exclusiveMinimum"] + tiny
            low = edge if low is None else max(low, edge)
        if isinstance(schema.get("exclusiveMaximum"), int | float):
            edge = schema["exclusiveMaximum"] - tiny
            high = edge if high is None else min(high, edge)

        def fits(value: float) -> bool:
            return (low is None or value >= low) and (high is None or value <= high)

        for number in self._numbers:
            if fits(number) and (step is None or abs(number / step - round(number / step)) < 1e-9):
                self._numbers.remove(number)
                return number
        value: float = 1 if fits(1) else low if low is not None else high if high is not None else 1
        if step:
            value = -(-value // step) * step if value != high else value // step * step
        return value

    def _boolean(self, schema: Mapping[str, Any], name: str, depth: int) -> bool:
        return True

    def _null(self, schema: Mapping[str, Any], name: str, depth: int) -> None:
        return None


def _merge(left: Mapping[str, Any], right: Mapping[str, Any]) -> dict[str, Any]:
    merged = {**left, **right}
    if "properties" in left and "properties" in right:
        merged["properties"] = {**left["properties"], **right["properties"]}
    if "required" in left and "required" in right:
        merged["required"] = [*left["required"], *(k for k in right["required"] if k not in left["required"])]
    return merged


def _fit(text: str, least: int, most: int | None) -> str:
    least = min(least, _MOST_LETTERS)
    while len(text) < least:
        text += (" " if len(text) + 1 < least else "") + "example"[: max(1, least - len(text))]
    return text if most is None else text[:most]


def _uuid(rng: random.Random) -> object:
    import uuid

    return uuid.UUID(int=rng.getrandbits(128), version=4)
