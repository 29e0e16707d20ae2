"""The history: what the clients did, each operation from its invoke to its end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.core.events import Event, Operation


@dataclass(frozen=True)
class Call:
    """One operation: the event that began it and the one that ended it.

    `end` is None while nothing came back, which a checker must read like `info`: it may have happened.
    """

    invoke: Event
    end: Event | None

    @property
    def sent(self) -> Operation:
        return _operation(self.invoke)

    @property
    def answer(self) -> Operation | None:
        return None if self.end is None else _operation(self.end)

    @property
    def outcome(self) -> str:
        """`ok`, `fail` or `info`; an operation with no end is `info`."""
        return "info" if self.end is None else _operation(self.end).step

    @property
    def events(self) -> tuple[str, ...]:
        """The ids of its events, for use as evidence."""
        return (self.invoke.id,) if self.end is None else (self.invoke.id, self.end.id)


def _operation(event: Event) -> Operation:
    assert isinstance(event.body, Operation)
    return event.body


def calls(events: Iterable[Event], *, kind: str | None = None) -> list[Call]:
    """Pair the operations of `events` into calls, in order of their invoke; `kind` keeps one kind only.

    Raises ValueError for a history that no client can have produced: an end without its invoke, or two
    ends of one operation.
    """
    begun: dict[str, Event] = {}
    ended: dict[str, Event] = {}
    for event in events:
        body = event.body
        if not isinstance(body, Operation):
            continue
        if body.step == "invoke":
            if body.op in begun:
                raise ValueError(f"operation {body.op} was invoked twice ({begun[body.op].id}, {event.id})")
            begun[body.op] = event
        elif body.op not in begun:
            raise ValueError(f"operation {body.op} ended without an invoke ({event.id})")
        elif body.op in ended:
            raise ValueError(f"operation {body.op} ended twice ({ended[body.op].id}, {event.id})")
        else:
            ended[body.op] = event
    pairs = [Call(invoke, ended.get(op)) for op, invoke in begun.items()]
    return [call for call in pairs if kind is None or call.sent.kind == kind]
