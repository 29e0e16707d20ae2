"""From a provider's answer back to a neutral Completion. One module a protocol, named like its codec.

A decoder has two functions: `whole(body)` reads the JSON of an answer that was not streamed, and
`joined(events)` makes that JSON of the decoded events of a stream (server-sent events, lines of JSON, or the
items of an array). Both raise Undecodable for what they cannot say without guessing. A protocol without a
decoder is replayed to its own clients only.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterable
from typing import Protocol, cast

import orjson

from mock_llm.completion import Completion, Json
from mock_llm.recording.decoders.events import events
from mock_llm.recording.decoders.undecodable import Undecodable
from mock_llm.recording.tape import Answered

__all__ = ["Decoder", "Undecodable", "decoded", "decoder"]


class Decoder(Protocol):
    """What a module of this package has."""

    def whole(self, body: Json) -> Completion:
        """The completion in a whole answer."""

    def joined(self, events: Iterable[Json]) -> Json:
        """The whole answer that a stream's events make."""


def decoder(protocol: str) -> Decoder | None:
    """The decoder of a protocol, by its codec's name."""
    name = f"{__name__}.{protocol.replace('-', '_')}"
    if not protocol.replace("-", "").isalnum() or importlib.util.find_spec(name) is None:
        return None
    found = importlib.import_module(name)
    return cast(Decoder, found) if hasattr(found, "whole") else None


def decoded(protocol: str, answered: Answered) -> Completion:
    """The completion in a recorded answer of status 2xx. Raises Undecodable, which says why there is none."""
    made = decoder(protocol)
    if made is None:
        raise Undecodable(f"there is no decoder for {protocol or 'its protocol'}")
    if not 200 <= answered.status < 300:
        raise Undecodable(f"it is an error, status {answered.status}")
    if answered.broken_at is not None:
        raise Undecodable("the connection broke before its end")
    try:
        body = made.joined(events(answered.body)) if answered.streamed else orjson.loads(answered.body)
        return made.whole(body)
    except Undecodable:
        raise
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise Undecodable(f"its body is not what {protocol} answers: {type(error).__name__}: {error}") from None
