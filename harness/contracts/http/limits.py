"""Bounds that the description declares, tried at and past their edge; and bodies no client should send."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue

from harness.contracts.http.door import TaskDoor
from harness.contracts.http.exchange import Caller, Exchange
from harness.contracts.promises import Promises
from harness.contracts.references import inlined

DEEP = 20_000
BIG_BYTES = 10 * 1024 * 1024
LONGEST_TRIED = 1_000_000  # characters; a longer declared maximum is tried by the big body instead


@dataclass(frozen=True)
class Edge:
    """One value of one field: `valid` tells whether the description allows it."""

    field: str
    value: JsonValue
    valid: bool
    rule: str


@dataclass(frozen=True)
class Limits:
    """Checks one route that takes a JSON body."""

    door: TaskDoor
    caller: Caller
    promises: Promises
    unique: str
    quick: bool

    async def check(self, description: JsonValue) -> None:
        """Try every declared bound of the doors' bodies, then hostile bodies on the first door."""
        doors = [route for route in (self.door.api.submit, self.door.api.run) if route]
        if not doors:
            self.promises.not_applicable("limits: no route takes a task")
            return
        for route in doors[:1] if self.quick else doors:
            schema = body_schema(description, route)
            found = list(edges(schema)) if schema else []
            if not found:
                self.promises.not_applicable(f"bounds of {route}: its description declares none")
            for name in dict.fromkeys(edge.field for edge in found):
                await self._field(route, name, [edge for edge in found if edge.field == name])
        await self._hostile(doors[0])

    async def _field(self, route: str, name: str, tried: list[Edge]) -> None:
        wrong: list[tuple[Edge, Exchange]] = []
        for n, edge in enumerate(tried):
            body = self.door.body("Say hello.", {name: edge.value})
            answer = await self.door.send(route, body, key=f"limit-{name}-{n}-{self.unique}-{len(route)}")
            taken = answer.code is not None and 200 <= answer.code < 300
            refused = answer.code is not None and 400 <= answer.code < 500
            if not (taken if edge.valid else refused):
                wrong.append((edge, answer))
        rules = ", ".join(dict.fromkeys(edge.rule for edge in tried))
        first = wrong[0] if wrong else None
        self.promises.judge(
            first is None,
            "limits.bounds",
            f"{route} {name}",
            "a value at a declared bound is accepted and one past it is refused",
            detail=rules
            if first is None
            else f"{_short(first[0].value)} ({first[0].rule}) should be "
            f"{'accepted' if first[0].valid else 'refused with 4xx'} and got {first[1].outcome}",
            payload=None if first is None else first[1].payload(),
            replay="" if first is None else first[1].curl(),
            fix=f"validate `{name}` where the request is parsed, by the bounds the description declares",
            cases=len(tried),
        )

    async def _hostile(self, route: str) -> None:
        method, _, path = route.partition(" ")
        json_type = {"Content-Type": "application/json"}
        deep = b'{"prompt":' + b"[" * DEEP + b"]" * DEEP + b"}"
        big = b'{"prompt":"' + b"x" * BIG_BYTES + b'"}'
        bodies = [
            ("a body that is not JSON", b"{", json_type),
            ("an empty body", b"", json_type),
            ("invalid UTF-8", b'{"prompt":"\xff\xfe"}', json_type),
            (f"JSON nested {DEEP:,} deep", deep, json_type),
            ("a JSON array", b"[]", json_type),
            ("text/plain", b"hello", {"Content-Type": "text/plain"}),
        ]
        if not self.quick:
            bodies.append(("10 MiB", big, json_type))
        for name, content, headers in bodies:
            # An undersized timeout would blame the service for the size of what we send.
            answer = await self.caller.send(method, path, content=content, headers=headers, timeout_s=30)
            refused = answer.code is not None and 400 <= answer.code < 500
            # Where no maxLength is declared a long prompt is a task: it may be taken, and break nothing.
            taken = content is big and answer.code is not None and answer.code < 400
            self.promises.judge(
                refused or taken,
                "limits.hostile_body",
                f"{route} {name}",
                "a body that cannot be a task is refused with 4xx, whatever it is",
                detail=answer.outcome,
                payload=answer.payload(),
                replay=answer.curl() if len(content) < 1_000 else "",
                fix="parse and bound the body before anything else, and turn what fails into a 4xx",
            )


def body_schema(description: JsonValue, route: str) -> dict[str, Any] | None:
    """The JSON schema of the body of `route` (`METHOD /path`) with its references followed, if declared."""
    method, _, path = route.partition(" ")
    document: Any = description
    try:
        content = document["paths"][path][method.lower()]["requestBody"]["content"]
        schema = next(value["schema"] for name, value in content.items() if "json" in name)
    except (KeyError, TypeError, StopIteration):
        return None
    resolved = inlined(schema, document)
    return resolved if isinstance(resolved, dict) else None


def edges(schema: dict[str, Any]) -> Iterator[Edge]:
    """The values at and just past each bound that the properties of `schema` declare."""
    for name, raw in (schema.get("properties") or {}).items():
        for part in (raw, *raw.get("anyOf", ()), *raw.get("allOf", ())) if isinstance(raw, dict) else ():
            yield from _numbers(name, part)
            yield from _lengths(name, part)


def _numbers(name: str, part: dict[str, Any]) -> Iterator[Edge]:
    if part.get("type") not in ("integer", "number"):
        return
    step = 1 if part["type"] == "integer" else 0.5
    low, high, under, over = (
        # FastAPI writes the bounds of an integer as 25.0.
        int(bound) if isinstance(bound, float) and bound.is_integer() else bound
        for bound in map(part.get, ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"))
    )
    if low is not None:
        yield Edge(name, low, True, f"minimum {low}")
        yield Edge(name, low - step, False, f"minimum {low}")
    if high is not None:
        yield Edge(name, high, True, f"maximum {high}")
        yield Edge(name, high + step, False, f"maximum {high}")
    if under is not None and not isinstance(under, bool):
        yield Edge(name, under, False, f"more than {under}")
    if over is not None and not isinstance(over, bool):
        yield Edge(name, over, False, f"less than {over}")


def _lengths(name: str, part: dict[str, Any]) -> Iterator[Edge]:
    if part.get("type") != "string" or part.get("pattern") or part.get("format") or part.get("enum"):
        return
    low, high = part.get("minLength"), part.get("maxLength")
    if low:
        yield Edge(name, "a" * low, True, f"minLength {low}")
        yield Edge(name, "a" * (low - 1), False, f"minLength {low}")
    if high is not None and high <= LONGEST_TRIED:
        yield Edge(name, "a" * high, True, f"maxLength {high}")
        yield Edge(name, "a" * (high + 1), False, f"maxLength {high}")


def _short(value: JsonValue) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:20]}... ({len(text) - 2} characters)"
