"""Which recorded exchange answers a request.

A client of the recorded protocol gets the recorded bytes; one of another protocol, or one that asks for a
stream where none was recorded (or the other way round), gets the same completion in its own words. An exchange
answers once in a session; equal ones answer in the order in which they were recorded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from mock_llm.codecs.protocol import Call
from mock_llm.completion import Request
from mock_llm.recording.asking import asked_of
from mock_llm.recording.neutral import compared, sent_alike
from mock_llm.recording.read import Recording, read_recording
from mock_llm.recording.stale import stale
from mock_llm.recording.tape import Asked, Recorded
from mock_llm.script.model import Unused

Keys = dict[bytes, list[Recorded]]


@dataclass(frozen=True, slots=True)
class Take:
    """What answers a request. as_bytes: as it was recorded; otherwise its completion in the asker's words."""

    recorded: Recorded
    as_bytes: bool


@dataclass(slots=True)
class Replay:
    """A recording to answer from.

    speed: 2.0 plays twice as fast, 0 without waiting. models: asked model -> recorded model.
    """

    recording: Recording
    speed: float = 1.0
    models: Mapping[str, str] = field(default_factory=dict)
    played: set[int] = field(default_factory=set)
    """Numbers of the exchanges that answered in any session."""
    _sessions: frozenset[str] = frozenset()
    _bodies: Keys = field(default_factory=dict)
    _same: Keys = field(default_factory=dict)
    _across: Keys = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0 <= self.speed < float("inf"):
            raise ValueError(f"the speed of a replay is 0 (no waiting) or more, not {self.speed}")
        self._sessions = frozenset(one.session for one in self.recording.exchanges)
        for one in self.recording.exchanges:
            neutral = one.asked.neutral
            if neutral is None:
                self._bodies.setdefault(_body_key(one.asked), []).append(one)
            else:
                self._same.setdefault(_key(compared(neutral)), []).append(one)
                self._across.setdefault(_key(compared(neutral, across=True)), []).append(one)

    @classmethod
    def read(cls, path: str | Path, *, speed: float = 1.0, models: Mapping[str, str] | None = None) -> Replay:
        """From a file. Raises RecordingError, OSError, ValueError for a speed below 0."""
        return cls(read_recording(Path(path)), speed, dict(models or {}))

    def by_body(self, call: Call, played: set[int]) -> Take | None:
        """The exchange that was recorded by its body (embeddings, models ...) and is next for this one."""
        if not self._bodies:
            return None
        one = _next(self._of(self._bodies.get(_body_key(asked_of(call, None)), []), call.session), played)
        return Take(one, True) if one is not None else None

    def by_request(self, call: Call, request: Request, played: set[int]) -> Take | None:
        """The exchange whose conversation, tools and model are those of a generation, next for it."""
        neutral = asked_of(call, request).neutral or {}
        mapped = self.models.get(request.model)
        data = {**neutral, "model": mapped or request.model}
        same = self._of(self._same.get(_key(compared(data)), []), call.session)
        alike = [one for one in same if sent_alike(one.asked.neutral or {}, data)]
        one = _next(alike, played)
        if one is not None:
            return Take(one, True)
        if same:
            one = _next(same, played)
            return Take(one, False) if one is not None else None
        across = [
            one
            for one in self._of(self._across.get(_key(compared(data, across=True)), []), call.session)
            if one.asked.neutral is not None
            and one.asked.neutral["protocol"] != request.protocol
            and mapped in (None, one.asked.neutral["model"])
        ]
        one = _next(across, played)
        return Take(one, False) if one is not None else None

    def stale(self, call: Call, request: Request | None, played: set[int]) -> str:
        """What to say to a request that nothing answers: the nearest exchange, and what differs."""
        asked = asked_of(call, request)
        if asked.neutral is not None:
            model = self.models.get(asked.neutral["model"], asked.neutral["model"])
            asked = Asked(asked.method, asked.path, asked.query, asked.headers, {**asked.neutral, "model": model})
        candidates = self._of(list(self.recording.exchanges), call.session)
        return stale(self.recording, asked, candidates, played, call.ordinal, call.session)

    def at(self, milliseconds: float) -> float:
        """When something recorded happens, in seconds since the request."""
        return milliseconds / 1000 / self.speed if self.speed else 0.0

    def unused(self, session: str = "", played: set[int] | None = None) -> list[Unused]:
        """Exchanges that never answered: in any session, or of those meant for one by its own progress."""
        meant = self._of(list(self.recording.exchanges), session) if session else self.recording.exchanges
        done = self.played if played is None else played
        return [
            Unused(f"exchange {one.number}", summary(one.asked), one.line) for one in meant if one.number not in done
        ]

    def _of(self, found: list[Recorded], session: str) -> list[Recorded]:
        """Those of this session, where the recording has any; else those of every session."""
        return [one for one in found if one.session == session] if session in self._sessions else found


def summary(asked: Asked) -> str:
    """A request in one line."""
    said = ""
    for entry in (asked.neutral or {}).get("messages") or ():
        said = next((str(value) for key, value in entry.items() if key == "user"), said)
    short = " ".join(said.split())
    shown = f" {short[:60]!r}" if short else ""
    return f"{asked.method} {asked.path}{shown}"


def _next(found: list[Recorded], played: set[int]) -> Recorded | None:
    return next((one for one in found if one.number not in played), None)


def _key(data: Any) -> bytes:
    return orjson.dumps(data, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)


def _body_key(asked: Asked) -> bytes:
    body = asked.body
    try:
        body = _key(orjson.loads(body)) if body else body
    except ValueError:
        pass
    return b"\0".join((asked.method.encode(), asked.path.encode(), asked.query.encode(), body))
