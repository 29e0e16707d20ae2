"""When each frame of an answer leaves. One file a model of time."""

from __future__ import annotations

import difflib
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, TypeVar

from mock_llm.codecs.protocol import Frame


@dataclass(slots=True)
class Load:
    """What a pacing may know of the server when a request arrives.

    memory: stays with the pacing (slots and when each is free again, for a model of saturation).
    """

    now: float  # epoch seconds by the session's clock
    in_flight: int  # requests being answered, this one included
    prompt_tokens: int
    cached_tokens: int = 0
    memory: dict[str, Any] = field(default_factory=dict)


class Pacing(Protocol):
    """A model of time: a frozen dataclass of its parameters, registered with `@pacing("name")`."""

    kind: ClassVar[str]

    def schedule(self, frames: Sequence[Frame], rng: random.Random, load: Load) -> Sequence[float]:
        """For each frame, in seconds after the request arrived, when it leaves; never decreasing.

        `frames` of a whole (not streamed) answer is one frame of kind "body" with all the tokens.
        """


PACINGS: dict[str, type[Pacing]] = {}
P = TypeVar("P", bound=type[Pacing])


def pacing(kind: str) -> Callable[[P], P]:
    """Class decorator: register a pacing under the name that data uses."""

    def keep(cls: P) -> P:
        if kind in PACINGS:
            raise ValueError(f"two pacings are called {kind!r}")
        cls.kind = kind
        PACINGS[kind] = cls
        return cls

    return keep


def from_data(data: dict[str, Any]) -> Pacing:
    """A pacing from `{"kind": ..., parameters}`. Raises ValueError with the closest names."""
    rest = dict(data)
    kind = rest.pop("kind", "constant")
    if kind not in PACINGS:
        close = difflib.get_close_matches(str(kind), PACINGS, n=3, cutoff=0.4) or sorted(PACINGS)
        raise ValueError(f"unknown pacing {kind!r}; did you mean {', '.join(close)}?")
    try:
        return PACINGS[kind](**rest)
    except TypeError as error:
        raise ValueError(f"pacing {kind!r}: {str(error).split('() ')[-1]}") from None
