"""What a fault can do to an answer. One file a fault; each overrides the hooks it needs.

    request -> [refuse] -> script -> [complete] -> codec -> [reply]  -> wire        (not streamed)
                  |                                      -> [steps]  -> wire        (streamed)
               [delay] before the first byte

Hooks are pure: they take data and give data back; the server alone waits, sends and cuts.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, TypeVar

from mock_llm.codecs.protocol import ApiError, Call, Codec, Frame, Reply
from mock_llm.completion import Completion, Request
from mock_llm.seed import Seed


@dataclass(frozen=True, slots=True)
class Hit:
    """The circumstances in which a fault strikes.

    request: None on plain endpoints (models, embeddings ...).
    memory: a dict that stays with this entry of the plan (per session, or per server for a global plan):
        buckets of a rate limit, counters. Times in it should be `now`, the clock of the session.
    """

    call: Call
    codec: Codec
    request: Request | None
    model: str
    rule: str  # name of the rule that will answer, "" for none
    seed: Seed  # of this request and this entry of the plan
    now: float  # epoch seconds by the session's clock
    memory: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Step:
    """Send `data` at `at` seconds after the request arrived."""

    at: float
    frame: Frame


@dataclass(frozen=True, slots=True)
class Cut:
    """End the connection at `at`: `fin` closes it, `rst` resets it, `stall` sends nothing more, ever."""

    at: float
    how: Literal["fin", "rst", "stall"] = "fin"


Steps = list[Step | Cut]


class Fault:
    """A fault that does nothing. `kind` is its name in plans; a fault is a frozen dataclass of its parameters.

    spoils: the client does not get the answer, so the script's answer is not used up and the retry gets it.
    """

    kind: ClassVar[str] = "none"
    spoils: ClassVar[bool] = False

    def strikes(self, hit: Hit) -> bool:
        """A condition of the fault's own, beside the plan's (a rate limit strikes when its bucket is empty)."""
        return True

    def delay(self, hit: Hit) -> float:
        """Seconds to wait before the first byte of the answer."""
        return 0.0

    def refuse(self, hit: Hit) -> ApiError | Reply | None:
        """Answer this instead of anything the script would say."""
        return None

    def complete(self, completion: Completion, hit: Hit) -> Completion:
        """Change what is said, whatever the protocol."""
        return completion

    def reply(self, reply: Reply, hit: Hit) -> Reply:
        """Change status, headers or body of a whole answer; for a stream: of its start (body empty)."""
        return reply

    def steps(self, steps: Steps, hit: Hit) -> Steps:
        """Change the timed frames of a stream; a whole answer comes as one frame of kind "body".

        Delay, drop, repeat, reorder, rewrite frames; end early with a `Cut`.
        """
        return steps


class UnknownFault(ValueError):
    """A plan names a fault that does not exist, or gives it a parameter it does not have."""


FAULTS: dict[str, type[Fault]] = {}
F = TypeVar("F", bound=type[Fault])


def fault(kind: str) -> Callable[[F], F]:
    """Class decorator: register a fault (a frozen dataclass) under the name plans use."""

    def keep(cls: F) -> F:
        if kind in FAULTS:
            raise ValueError(f"two faults are called {kind!r}")
        cls.kind = kind
        FAULTS[kind] = cls
        return cls

    return keep


def named(kind: str) -> type[Fault]:
    """The fault called `kind`. Raises UnknownFault with the closest names."""
    if kind in FAULTS:
        return FAULTS[kind]
    close = difflib.get_close_matches(kind, FAULTS, n=3, cutoff=0.6)
    hint = f"did you mean {', '.join(close)}?" if close else f"there are: {', '.join(sorted(FAULTS))}"
    raise UnknownFault(f"unknown fault {kind!r}; {hint}")
