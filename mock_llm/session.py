"""A session: a name under which one test's requests, script, faults, journal and stored objects live."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from mock_llm.seed import Seed

if TYPE_CHECKING:
    from mock_llm.faults.plan import FaultPlan
    from mock_llm.pacing import Pacing
    from mock_llm.script.model import Script


class Store:
    """Objects that a protocol lets its clients fetch again: stored completions, responses, batches.

    Kept by kind and id, in order of creation; a codec's plain endpoints read and change them.
    """

    __slots__ = ("_kinds", "limit")

    def __init__(self, limit: int = 10_000) -> None:
        self._kinds: dict[str, dict[str, Any]] = {}
        self.limit = limit  # objects of one kind; the oldest make room

    def put(self, kind: str, id: str, value: Any) -> None:
        """Keep `value`; an object of the same kind and id is replaced in its place."""
        items = self._kinds.setdefault(kind, {})
        items[id] = value
        if len(items) > self.limit:
            del items[next(iter(items))]

    def get(self, kind: str, id: str) -> Any | None:
        """The object, or None."""
        return self._kinds.get(kind, {}).get(id)

    def delete(self, kind: str, id: str) -> bool:
        """Whether there was one to delete."""
        return self._kinds.get(kind, {}).pop(id, None) is not None

    def items(self, kind: str) -> list[tuple[str, Any]]:
        """Ids and objects of a kind, oldest first."""
        return list(self._kinds.get(kind, {}).items())

    def clear(self) -> None:
        self._kinds.clear()


class Session:
    """The mutable state of one session. Everything in it is touched on the server's loop only."""

    __slots__ = (
        "faults",
        "load_memory",
        "name",
        "open",
        "ordinal",
        "pacing",
        "played",
        "script",
        "seed",
        "spent",
        "store",
    )

    def __init__(self, name: str, seed: Seed, script: Script) -> None:
        self.name = name
        self.seed = seed.derive(name)
        self.script = script
        self.faults: FaultPlan | None = None  # None: only the server's own plan
        self.pacing: Pacing | None = None  # None: the server's own pacing
        self.store = Store()
        self.ordinal = 0  # requests received so far
        self.open = 0  # requests being answered now
        self.spent: dict[str, tuple[int, int]] = {}  # model -> tokens of prompts and of completions
        self.played: set[int] = set()  # exchanges of the recording that have answered here
        self.load_memory: dict[str, Any] = {}  # of the pacing, by virtual time

    def next_ordinal(self) -> int:
        self.ordinal += 1
        return self.ordinal

    def spend(self, model: str, prompt: int, completion: int) -> None:
        """Add up an answer's tokens."""
        if prompt or completion:
            before = self.spent.get(model, (0, 0))
            self.spent[model] = before[0] + prompt, before[1] + completion

    def reset(self) -> None:
        """Forget requests, stored objects, the progress of script and faults; keep the rules and plans."""
        self.ordinal = 0
        self.spent.clear()
        self.store.clear()
        self.load_memory.clear()
        self.played.clear()
        self.script.reset()

    def rewinder(self) -> Callable[[], None]:
        """A function that brings rules, faults and pacing back to those there are now, and forgets all requests."""
        rules, faults, pacing = self.script.rewinder(), self.faults, self.pacing

        def rewind() -> None:
            self.reset()
            rules()
            self.faults, self.pacing = faults, pacing

        return rewind


class Sessions:
    """Every session of a server, made when first named."""

    def __init__(self, seed: Seed, base: Script) -> None:
        self._seed = seed
        self._base = base
        self._sessions: dict[str, Session] = {}
        self.keys: dict[str, str] = {}  # API key -> session

    def get(self, name: str) -> Session:
        """The session called `name`; a new one falls back to the server's own rules."""
        session = self._sessions.get(name)
        if session is None:
            session = self._sessions[name] = Session(name, self._seed, self._base.child())
        return session

    def __iter__(self) -> Iterator[Session]:
        return iter(list(self._sessions.values()))

    def __contains__(self, name: str) -> bool:
        return name in self._sessions

    def drop(self, name: str) -> bool:
        """Forget a session altogether."""
        return self._sessions.pop(name, None) is not None

    def resolve(self, path: str, headers: Mapping[bytes, bytes]) -> tuple[str, str]:
        """The name of the session that a request belongs to, and its path without the session's prefix.

        In this order: `/s/<name>/...`; header `x-mock-session`; baggage member `mock.session`; the API key,
        where one was given a session; `default`.
        """
        if path.startswith("/s/"):
            name, _, rest = path[3:].partition("/")
            if name:
                return unquote(name), "/" + rest
        header = headers.get(b"x-mock-session")
        if header:
            return header.decode("latin-1"), path
        baggage = headers.get(b"baggage")
        if baggage is not None and b"mock.session" in baggage:
            named = _member(baggage.decode("latin-1"))
            if named:
                return named, path
        if self.keys:
            key = api_key(headers)
            if key is not None and key in self.keys:
                return self.keys[key], path
        return "default", path


def api_key(headers: Mapping[bytes, bytes]) -> str | None:
    """The key that a client sent, in whichever header its provider wants it."""
    value = headers.get(b"authorization")
    if value is not None:
        text = value.decode("latin-1")
        return text[7:].strip() if text[:7].lower() == "bearer " else text
    for name in (b"x-api-key", b"api-key", b"x-goog-api-key"):
        value = headers.get(name)
        if value is not None:
            return value.decode("latin-1")
    return None


def _member(baggage: str) -> str:
    for member in baggage.split(","):
        name, _, value = member.partition("=")
        if name.strip() == "mock.session":
            return unquote(value.partition(";")[0].strip())
    return ""
