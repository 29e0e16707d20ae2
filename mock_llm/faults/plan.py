"""A plan of faults: data that says which fault strikes which request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from dataclasses import fields as fields_of
from typing import Any, Literal, get_args, get_origin, get_type_hints

from mock_llm.faults.fault import Fault, Hit, UnknownFault, named
from mock_llm.script.matchers import ANY, Matcher, Scene
from mock_llm.script.when import when_from_data

_WHERE = {
    "when",
    "rule",
    "ordinals",
    "first",
    "after",
    "every",
    "times",
    "probability",
    "from_s",
    "until_s",
    "name",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a plan: a fault and the requests it strikes. All conditions given must hold.

    when: as in a script's rule. rule: name of the rule that answers.
    Counted among the requests that meet `when` and `rule`, in each session, from 1:
      ordinals: only these. first: only so many. after: only those after so many. every: each n-th.
    times: stop after so many strikes in a session. probability: drawn from the seed, per request.
    from_s, until_s: only in this window, in seconds since the plan was set, by the session's clock.
    """

    fault: Fault
    when: Matcher = ANY
    rule: str | None = None
    ordinals: tuple[int, ...] = ()
    first: int | None = None
    after: int = 0
    every: int = 1
    times: int | None = None
    probability: float = 1.0
    from_s: float | None = None
    until_s: float | None = None
    name: str = ""
    data: Mapping[str, Any] | None = None  # as it was given, to show again

    def strikes(self, hit: Hit, memory: dict[str, Any], started: float) -> bool:
        """Whether this entry strikes; counts the request in `memory`."""
        if self.rule is not None and hit.rule != self.rule:
            return False
        if self.when is not ANY and not self.when(scene_of(hit)):
            return False
        seen = memory["seen"] = memory.get("seen", 0) + 1
        struck = memory.get("struck", 0)
        if (
            (self.ordinals and seen not in self.ordinals)
            or (self.first is not None and seen > self.first)
            or seen <= self.after
            or (seen - self.after) % self.every
            or (self.times is not None and struck >= self.times)
            or (self.from_s is not None and hit.now < started + self.from_s)
            or (self.until_s is not None and hit.now >= started + self.until_s)
            or (self.probability < 1 and hit.seed.rng("strikes").random() >= self.probability)
            or not self.fault.strikes(hit)
        ):
            return False
        memory["struck"] = struck + 1
        return True


class FaultPlan:
    """Entries in order; every one that strikes takes part, and their changes add up."""

    __slots__ = ("_memory", "entries", "started")

    def __init__(self, entries: Iterable[Entry] = (), started: float = 0.0) -> None:
        self.entries = tuple(entries)
        self.started = started
        self._memory: dict[tuple[str, int], dict[str, Any]] = {}

    def decide(self, hit: Hit) -> tuple[tuple[Fault, Hit], ...]:
        """The faults that strike this request, each with its own seed and memory."""
        struck: list[tuple[Fault, Hit]] = []
        for index, entry in enumerate(self.entries):
            memory = self._memory.setdefault((hit.call.session, index), {})
            own = replace(hit, seed=hit.seed.derive(entry.fault.kind, index), memory=memory)
            if entry.strikes(own, memory, self.started):
                struck.append((entry.fault, own))
        return tuple(struck)

    def reset(self, session: str) -> None:
        """Forget what was counted for a session."""
        for key in [key for key in self._memory if key[0] == session]:
            del self._memory[key]

    def to_data(self) -> dict[str, Any]:
        """The plan as data again."""
        return {"faults": [dict(entry.data or {"kind": entry.fault.kind}) for entry in self.entries]}


def plan_from_data(data: Any, started: float = 0.0) -> FaultPlan:
    """A plan from `{"faults": [{"kind": ..., parameters, conditions}, ...]}` or from the bare list.

    Raises UnknownFault (a ValueError) that names the entry and what is wrong with it.
    """
    items = data.get("faults", ()) if isinstance(data, Mapping) else data
    if not isinstance(items, list | tuple):
        raise UnknownFault('a fault plan is {"faults": [...]}')
    return FaultPlan([_entry(item, f"faults[{i}]") for i, item in enumerate(items)], started)


def _entry(item: Any, where: str) -> Entry:
    if not isinstance(item, Mapping) or not isinstance(item.get("kind"), str):
        raise UnknownFault(f'{where}: an entry is an object with a "kind"')
    try:
        kind = named(item["kind"])
    except UnknownFault as error:
        raise UnknownFault(f"{where}: {error}") from None
    params = {key: value for key, value in item.items() if key not in _WHERE and key != "kind"}
    known = {f.name for f in fields_of(kind)} if hasattr(kind, "__dataclass_fields__") else set()  # type: ignore[arg-type]
    for key in params:
        if key not in known:
            raise UnknownFault(
                f"{where}: fault {item['kind']!r} has no parameter {key!r}; it has {', '.join(sorted(known)) or 'none'}"
            )
        _one_of(kind, key, params[key], f"{where}: fault {item['kind']!r}")
    place = {key: item[key] for key in _WHERE & set(item) if key != "when"}
    if "ordinals" in place:
        place["ordinals"] = tuple(place["ordinals"])
    try:
        when = when_from_data(item["when"], f"{where}.when") if item.get("when") else ANY
        made = kind(**{k: tuple(v) if isinstance(v, list) else v for k, v in params.items()})
    except (TypeError, ValueError) as error:
        raise UnknownFault(f"{where}: {error}") from None
    return Entry(fault=made, when=when, data=dict(item), **place)


def _one_of(kind: type[Fault], key: str, value: Any, where: str) -> None:
    """Refuse a word that is not among those a parameter knows."""
    hint = get_type_hints(kind)[key]
    choices = [choice for part in (hint, *get_args(hint)) if get_origin(part) is Literal for choice in get_args(part)]
    if choices and value is not None and value not in choices:
        raise UnknownFault(f"{where}: {key} is one of {', '.join(map(str, choices))}, not {value!r}")


def scene_of(hit: Hit) -> Scene:
    """What a matcher looks at; a plain endpoint has a request with nothing but model and headers."""
    from mock_llm.completion import Request

    request = hit.request or Request(hit.codec.name, hit.model, (), headers=hit.call.headers, session=hit.call.session)
    return Scene(request)
