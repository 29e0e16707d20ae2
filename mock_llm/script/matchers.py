"""Conditions on a request: composable (`&`, `|`, `~`), readable, and able to say what differed."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from mock_llm.completion import Request
from mock_llm.script.jsonpath import find
from mock_llm.script.patterns import Pattern


@dataclass(slots=True)
class Scene:
    """What a matcher looks at. `captures` receives the groups of regular expressions that matched."""

    request: Request
    state: str = "start"
    captures: dict[str, str] = field(default_factory=dict)
    _newest: str | None = None
    _folded: str | None = None

    @property
    def newest(self) -> str:
        """The newest turn's text, worked out once for all rules."""
        text = self._newest
        if text is None:
            text = self._newest = self.request.newest
        return text

    @property
    def folded(self) -> str:
        """The same without case."""
        text = self._folded
        if text is None:
            text = self._folded = self.newest.casefold()
        return text

    def search(self, pattern: Pattern, text: str) -> bool:
        found = pattern.search(text)
        if isinstance(found, re.Match):
            self.captures["0"] = found.group()
            self.captures.update((str(i), g or "") for i, g in enumerate(found.groups(), 1))
            self.captures.update((name, g or "") for name, g in found.groupdict().items())
        return bool(found)


class Matcher:
    """A condition. Subclasses say when it holds and, when it does not, what they saw instead."""

    __slots__ = ()

    def __call__(self, scene: Scene) -> bool:
        raise NotImplementedError

    def misses(self, scene: Scene) -> list[str]:
        """What differed, one line a condition that does not hold; empty when all hold."""
        return [] if self(scene) else [f"{self}: {self.saw(scene)}"]

    def saw(self, scene: Scene) -> str:
        return "it does not hold"

    def __and__(self, other: Matcher) -> Matcher:
        return All((self, other))

    def __or__(self, other: Matcher) -> Matcher:
        return Either((self, other))

    def __invert__(self) -> Matcher:
        return Not(self)


@dataclass(frozen=True, slots=True)
class All(Matcher):
    """Every part holds; with no parts, always."""

    parts: tuple[Matcher, ...] = ()

    def __call__(self, scene: Scene) -> bool:
        for part in self.parts:  # noqa: SIM110 - the plain loop is the hot path, and faster than all()
            if not part(scene):
                return False
        return True

    def misses(self, scene: Scene) -> list[str]:
        return [line for part in self.parts for line in part.misses(scene)]

    def __str__(self) -> str:
        return " and ".join(map(str, self.parts)) or "anything"


@dataclass(frozen=True, slots=True)
class Either(Matcher):
    """At least one part holds."""

    parts: tuple[Matcher, ...]

    def __call__(self, scene: Scene) -> bool:
        return any(part(scene) for part in self.parts)

    def misses(self, scene: Scene) -> list[str]:
        if self(scene):
            return []
        return ["none of: " + "; ".join(line for part in self.parts for line in part.misses(scene))]

    def __str__(self) -> str:
        return "(" + " or ".join(map(str, self.parts)) + ")"


@dataclass(frozen=True, slots=True)
class Not(Matcher):
    """The part does not hold."""

    part: Matcher

    def __call__(self, scene: Scene) -> bool:
        return not self.part(scene)

    def __str__(self) -> str:
        return f"not {self.part}"


ANY = All()


def _short(text: str) -> str:
    return repr(text if len(text) <= 80 else text[:77] + "...")


@dataclass(frozen=True, slots=True)
class Newest(Matcher):
    """The newest turn's text."""

    pattern: Pattern

    def __call__(self, scene: Scene) -> bool:
        if self.pattern.needle is not None:
            return self.pattern.needle in scene.folded
        return scene.search(self.pattern, scene.newest)

    def saw(self, scene: Scene) -> str:
        return f"it was {_short(scene.request.newest)}"

    def __str__(self) -> str:
        return f"newest turn {self.pattern}"


@dataclass(frozen=True, slots=True)
class AnyTurn(Matcher):
    """Some turn's text."""

    pattern: Pattern

    def __call__(self, scene: Scene) -> bool:
        return any(scene.search(self.pattern, turn.text) for turn in scene.request.turns)

    def saw(self, scene: Scene) -> str:
        return f"none of {len(scene.request.turns)} turns does"

    def __str__(self) -> str:
        return f"any turn {self.pattern}"


@dataclass(frozen=True, slots=True)
class Attribute(Matcher):
    """A text of the request itself: system, model, session, protocol."""

    name: str
    pattern: Pattern

    def __call__(self, scene: Scene) -> bool:
        return scene.search(self.pattern, getattr(scene.request, self.name))

    def saw(self, scene: Scene) -> str:
        return f"it was {_short(getattr(scene.request, self.name))}"

    def __str__(self) -> str:
        return f"{self.name} {self.pattern}"


@dataclass(frozen=True, slots=True)
class Offers(Matcher):
    """A tool of that name is offered."""

    pattern: Pattern

    def __call__(self, scene: Scene) -> bool:
        return any(scene.search(self.pattern, tool.name) for tool in scene.request.tools)

    def saw(self, scene: Scene) -> str:
        return f"offered were {', '.join(t.name for t in scene.request.tools) or 'no tools'}"

    def __str__(self) -> str:
        return f"tool offered {self.pattern}"


@dataclass(frozen=True, slots=True)
class Result(Matcher):
    """A tool's result came since the assistant last spoke: of which tool, with what text."""

    of: Pattern | None = None
    text: Pattern | None = None
    error: bool | None = None

    def __call__(self, scene: Scene) -> bool:
        return any(
            (self.of is None or scene.search(self.of, result.name))
            and (self.text is None or scene.search(self.text, result.text))
            and (self.error is None or result.is_error is self.error)
            for result in scene.request.fresh_results()
        )

    def saw(self, scene: Scene) -> str:
        fresh = scene.request.fresh_results()
        return (
            "fresh results: " + "; ".join(f"{r.name or r.call_id}: {_short(r.text)}" for r in fresh)
            if fresh
            else "no fresh tool result"
        )

    def __str__(self) -> str:
        parts = [f"of {self.of}"] if self.of else []
        parts += [f"text {self.text}"] if self.text else []
        parts += [f"error={self.error}"] if self.error is not None else []
        return "tool result " + ", ".join(parts)


@dataclass(frozen=True, slots=True)
class StepIs(Matcher):
    """The assistant has spoken so many times in this conversation."""

    turn: int

    def __call__(self, scene: Scene) -> bool:
        return scene.request.step == self.turn

    def saw(self, scene: Scene) -> str:
        return f"it was turn {scene.request.step}"

    def __str__(self) -> str:
        return f"turn {self.turn}"


@dataclass(frozen=True, slots=True)
class Header(Matcher):
    """A request header."""

    name: str
    pattern: Pattern

    def _value(self, scene: Scene) -> str | None:
        value = scene.request.headers.get(self.name.lower().encode())
        return None if value is None else value.decode("latin-1")

    def __call__(self, scene: Scene) -> bool:
        value = self._value(scene)
        return value is not None and scene.search(self.pattern, value)

    def saw(self, scene: Scene) -> str:
        value = self._value(scene)
        return "the header is absent" if value is None else f"it was {_short(value)}"

    def __str__(self) -> str:
        return f"header {self.name} {self.pattern}"


@dataclass(frozen=True, slots=True)
class Path(Matcher):
    """A JSONPath into the raw body finds a value that equals `value`, or (a Pattern) whose text fits."""

    path: str
    value: Any

    def __call__(self, scene: Scene) -> bool:
        return any(self._fits(scene, found) for found in find(scene.request.raw, self.path))

    def _fits(self, scene: Scene, found: Any) -> bool:
        if isinstance(self.value, Pattern):
            return isinstance(found, str) and scene.search(self.value, found)
        return bool(found == self.value)

    def saw(self, scene: Scene) -> str:
        found = find(scene.request.raw, self.path)
        return f"found {_short(str(found))}" if found else "nothing is there"

    def __str__(self) -> str:
        return f"{self.path} {self.value if isinstance(self.value, Pattern) else f'= {self.value!r}'}"


@dataclass(frozen=True, slots=True)
class Predicate(Matcher):
    """Python decides."""

    function: Callable[[Request], object]

    def __call__(self, scene: Scene) -> bool:
        return bool(self.function(scene.request))

    def __str__(self) -> str:
        return f"predicate {getattr(self.function, '__name__', self.function)}"


@dataclass(frozen=True, slots=True)
class State(Matcher):
    """The session's state machine is in this state."""

    name: str

    def __call__(self, scene: Scene) -> bool:
        return scene.state == self.name

    def saw(self, scene: Scene) -> str:
        return f"the state was {scene.state!r}"

    def __str__(self) -> str:
        return f"state {self.name!r}"
