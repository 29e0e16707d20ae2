"""Rules, and a script: the rules of a session with the progress made through them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from mock_llm.completion import Request
from mock_llm.script.answer import Answer
from mock_llm.script.matchers import ANY, Matcher, Scene

Then = Literal["repeat", "cycle", "end"]


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """If `when` holds, answer with the next of `answers`.

    then: after the last answer: `repeat` it, `cycle` to the first, or `end`: the rule matches no more.
    times: the rule matches no more after so many answers.
    """

    name: str
    when: Matcher = ANY
    answers: tuple[Answer, ...] = (Answer(),)
    then: Then = "repeat"
    times: int | None = None
    line: int | None = None  # where it stands in its file
    data: Mapping[str, Any] | None = field(default=None, repr=False)  # as it was given

    @property
    def most(self) -> int | None:
        """After how many answers the rule is spent."""
        ends = [n for n in (self.times, len(self.answers) if self.then == "end" else None) if n is not None]
        return min(ends) if ends else None

    def nth(self, used: int) -> Answer:
        """The answer after `used` earlier ones."""
        if self.then == "cycle":
            return self.answers[used % len(self.answers)]
        return self.answers[min(used, len(self.answers) - 1)]


@dataclass(frozen=True, slots=True)
class Unused:
    """A rule that never answered, for the report at the end."""

    name: str
    when: str
    line: int | None


class Script:
    """The rules of one session over those of the server (its parent); the first rule that matches answers.

    Progress (which answer of a sequence is next, the state) belongs to the session; that a parent's rule was
    used at all is counted in the parent too.
    """

    __slots__ = ("_parent", "_steps", "_used", "generations", "hits", "rules", "state")

    def __init__(self, rules: Iterable[Rule] = (), parent: Script | None = None) -> None:
        self.rules: list[Rule] = list(rules)
        self._parent = parent
        self._steps: dict[int, Rule] = {}
        self._used: dict[Rule, int] = {}
        self.hits: dict[Rule, int] = {}
        self.state = "start"
        self.generations = 0

    def child(self) -> Script:
        """A session's script on top of this one."""
        return Script((), self)

    def set(self, rules: Iterable[Rule]) -> None:
        """Replace the rules and forget the progress."""
        self.rules = list(rules)
        self._steps.clear()
        self.reset()

    def add(self, rules: Iterable[Rule], *, first: bool = False) -> None:
        """Add rules behind (or before) those there are."""
        self.rules[0 if first else len(self.rules) : 0 if first else len(self.rules)] = list(rules)

    def set_step(self, step: int, rule: Rule) -> None:
        """Answer the `step`-th generation of the session (from 1) with `rule`, before any other rule."""
        if step < 1:
            raise ValueError(f"steps count from 1: the first answer of a session is step 1, not {step}")
        self._steps[step] = rule

    def reset(self) -> None:
        """Forget the progress and the hits, keep the rules."""
        self._used.clear()
        self.hits.clear()
        self.state = "start"
        self.generations = 0

    def rewinder(self) -> Callable[[], None]:
        """A function that brings the rules back to those there are now, without progress."""
        rules, steps = list(self.rules), dict(self._steps)

        def rewind() -> None:
            self.rules, self._steps = list(rules), dict(steps)
            self.reset()

        return rewind

    def scene(self, request: Request) -> Scene:
        return Scene(request, self.state)

    def match(self, scene: Scene) -> Rule | None:
        """The rule that answers, without using it up."""
        if self._steps:
            rule = self._steps.get(self.generations + 1)
            if rule is not None:
                return rule
        for rule in self.rules:
            if self._live(rule) and rule.when(scene):
                return rule
        if self._parent is not None:
            for rule in self._parent.rules:
                if self._live(rule) and rule.when(scene):
                    return rule
        return None

    def _live(self, rule: Rule) -> bool:
        if rule.times is None and rule.then != "end":
            return True
        most = rule.most
        return most is None or self._used.get(rule, 0) < most

    def used(self, rule: Rule) -> int:
        """How many answers the rule has given in this session."""
        return self._used.get(rule, 0)

    def peek(self, rule: Rule) -> Answer:
        """The answer that the rule gives next."""
        return rule.nth(self._used.get(rule, 0))

    def take(self, rule: Rule | None) -> None:
        """Use up the rule's next answer, and the session's step."""
        self.generations += 1
        if rule is None:
            return
        used = self._used.get(rule, 0)
        answer = rule.nth(used)
        self._used[rule] = used + 1
        if answer.goto is not None:
            self.state = answer.goto
        script: Script | None = self
        while script is not None:
            script.hits[rule] = script.hits.get(rule, 0) + 1
            script = script._parent

    def all_rules(self) -> list[Rule]:
        """Every rule in the order in which they are tried."""
        own = [self._steps[n] for n in sorted(self._steps)] + self.rules
        return own + (self._parent.rules if self._parent is not None else [])

    def unused(self) -> list[Unused]:
        """This script's own rules that never answered."""
        own = [self._steps[n] for n in sorted(self._steps)] + self.rules
        return [Unused(rule.name, str(rule.when), rule.line) for rule in own if not self.hits.get(rule)]
