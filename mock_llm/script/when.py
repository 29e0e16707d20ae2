"""Conditions from data: the `when` of a rule or of a fault, in YAML, over the admin API, or as keywords."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from typing import Any

from mock_llm.script import matchers as m
from mock_llm.script.jsonpath import steps
from mock_llm.script.patterns import equals, pattern_from_data


class WhenError(ValueError):
    """A condition that cannot be read; the text starts with its place."""


Reader = Callable[[Any, str], m.Matcher]


def _result(data: Any, where: str) -> m.Matcher:
    if data is True:
        return m.Result()
    if isinstance(data, str):
        return m.Result(of=equals(data))
    if not isinstance(data, Mapping) or not set(data) <= {"of", "text", "error"}:
        raise WhenError(f"{where}: expected the tool's name or {{of: tool, text: pattern, error: bool}}")
    return m.Result(
        of=pattern_from_data(data["of"], f"{where}.of", equals) if "of" in data else None,
        text=pattern_from_data(data["text"], f"{where}.text") if "text" in data else None,
        error=data.get("error"),
    )


def _turn(data: Any, where: str) -> m.Matcher:
    if not isinstance(data, int) or isinstance(data, bool):
        raise WhenError(f"{where}: expected a number, got {data!r}")
    return m.StepIs(data)


def _headers(data: Any, where: str) -> m.Matcher:
    if not isinstance(data, Mapping):
        raise WhenError(f"{where}: expected {{name: pattern}}")
    return m.All(tuple(m.Header(str(k), pattern_from_data(v, f"{where}.{k}")) for k, v in data.items()))


def _is_pattern(value: Any) -> bool:
    if isinstance(value, Mapping):
        return len(value) == 1 and set(value) <= {"contains", "equals", "regex"}
    return isinstance(value, str) and len(value) > 2 and value[0] == value[-1] == "/"


def _json(data: Any, where: str) -> m.Matcher:
    if not isinstance(data, Mapping):
        raise WhenError(f"{where}: expected {{JSONPath: value}}")
    parts: list[m.Matcher] = []
    for path, value in data.items():
        steps(path)
        test = value
        if _is_pattern(value):
            test = pattern_from_data(value, f"{where}.{path}")
        parts.append(m.Path(path, test))
    return m.All(tuple(parts))


def _predicate(data: Any, where: str) -> m.Matcher:
    if not callable(data):
        raise WhenError(f"{where}: a predicate is a Python callable; data cannot hold one")
    return m.Predicate(data)


def _state(data: Any, where: str) -> m.Matcher:
    if not isinstance(data, str):
        raise WhenError(f"{where}: expected the name of a state, got {data!r}")
    return m.State(data)


def _attribute(name: str) -> Reader:
    plain = equals if name in ("session", "protocol", "model") else None

    def read(data: Any, where: str) -> m.Matcher:
        pattern = pattern_from_data(data, where, plain) if plain else pattern_from_data(data, where)
        return m.Attribute(name, pattern)

    return read


READERS: dict[str, Reader] = {
    "text": lambda data, where: m.Newest(pattern_from_data(data, where)),
    "regex": lambda data, where: m.Newest(pattern_from_data({"regex": data}, where)),
    "any_turn": lambda data, where: m.AnyTurn(pattern_from_data(data, where)),
    "system": _attribute("system"),
    "model": _attribute("model"),
    "session": _attribute("session"),
    "protocol": _attribute("protocol"),
    "tool": lambda data, where: m.Offers(pattern_from_data(data, where, equals)),
    "tool_result": _result,
    "turn": _turn,
    "header": _headers,
    "json": _json,
    "predicate": _predicate,
    "state": _state,
    "not": lambda data, where: m.Not(when_from_data(data, where)),
    "any": lambda data, where: m.Either(tuple(when_from_data(d, f"{where}[{i}]") for i, d in enumerate(data))),
}


def when_from_data(data: Any, where: str = "when") -> m.Matcher:
    """A matcher from a mapping of conditions that must all hold, a bare text, a Matcher or a callable.

    Raises ValueError that starts with the place (`where`) and names the closest condition there is.
    """
    if isinstance(data, m.Matcher):
        return data
    if data is None:
        return m.ANY
    if isinstance(data, str):
        return READERS["text"](data, where)
    if callable(data):
        return m.Predicate(data)
    if not isinstance(data, Mapping):
        raise WhenError(f"{where}: expected conditions, got {data!r}")
    parts: list[m.Matcher] = []
    for name, value in data.items():
        reader = READERS.get(str(name))
        if reader is None:
            close = difflib.get_close_matches(str(name), READERS, n=1, cutoff=0.5)
            hint = f"did you mean {close[0]!r}?" if close else f"there are: {', '.join(READERS)}"
            raise WhenError(f"{where}.{name}: unknown condition {name!r}; {hint}")
        try:
            parts.append(reader(value, f"{where}.{name}"))
        except ValueError as error:
            text = str(error)
            raise WhenError(text if text.startswith(where) else f"{where}.{name}: {text}") from None
    if not parts:
        return m.ANY
    return parts[0] if len(parts) == 1 else m.All(tuple(parts))
