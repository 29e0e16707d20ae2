"""Every request that the server received and what it answered: bounded in memory, the older part on disk."""

from __future__ import annotations

import tempfile
from array import array
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import IO, Any

import orjson

MEASURED = ("at", "duration_s", "seq", "first_byte_s")
SECRET = (b"authorization", b"x-api-key", b"api-key", b"x-goog-api-key", b"cookie")


@dataclass(slots=True)
class Entry:
    """One request and its answer.

    ended: `complete`, `cut` (by a fault), `stalled`, or `aborted`: the client left first.
    at: epoch seconds when the request arrived; duration_s, first_byte_s: seconds since then.
    request: the body as received. answer: the completion's blocks, or the error's body.
    """

    session: str
    ordinal: int
    protocol: str
    method: str
    path: str
    model: str = ""
    status: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    attempt: int = 0
    streamed: bool = False
    faults: tuple[str, ...] = ()
    tools_called: tuple[str, ...] = ()
    tools_offered: tuple[str, ...] = ()
    rule: str = ""
    finish: str = ""
    aborted: bool = False
    ended: str = "complete"
    messages: int = 0
    trace_id: str = ""
    parent_id: str = ""
    retry_after: float | None = None
    error: str = ""
    frames: int = 0
    request: bytes = b""
    answer: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    at: float = 0.0
    duration_s: float = 0.0
    first_byte_s: float | None = None
    seq: int = 0

    def to_data(self, *, measured: bool = True, bodies: bool = True) -> dict[str, Any]:
        """As JSON-able data; without `measured` only what (seed, session, ordinal) determine."""
        data = asdict(self)
        if bodies:
            data["request"] = _decoded(self.request)
        else:
            del data["request"], data["answer"]
        if not measured:
            for name in MEASURED:
                del data[name]
        return data


def _decoded(body: bytes) -> Any:
    if not body:
        return None
    try:
        return orjson.loads(body)
    except ValueError:
        return body.decode("utf-8", "replace")


def from_data(data: dict[str, Any]) -> Entry:
    """The entry that `to_data` wrote."""
    body = data["request"]
    tuples = {name: tuple(data[name]) for name in ("faults", "tools_called", "tools_offered")}
    return Entry(**{**data, **tuples, "request": b"" if body is None else orjson.dumps(body)})


class Journal:
    """Entries in the order in which they were answered; `seq` counts from 1 and has no gaps.

    In memory lie the newest `limit` entries (fewer when their bodies exceed `limit_bytes`); older ones are
    lines of a temporary file that goes away with the journal.
    """

    def __init__(self, limit: int = 4096, limit_bytes: int = 32 * 1024 * 1024) -> None:
        self._limit = limit
        self._limit_bytes = limit_bytes
        self._entries: deque[Entry] = deque()
        self._bytes = 0
        self._file: IO[bytes] | None = None
        self._spilled = 0
        self._pages = array("Q")  # file offset of every _PAGE-th spilled entry
        self._first = 1  # seq of the oldest entry kept at all
        self.total = 0

    def add(self, entry: Entry) -> None:
        """Append an entry and give it its seq."""
        self.total += 1
        entry.seq = self.total
        self._entries.append(entry)
        self._bytes += len(entry.request)
        if len(self._entries) > self._limit or self._bytes > self._limit_bytes:
            self._spill()

    def _spill(self) -> None:
        """Write the older half to disk."""
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="mock-llm-journal-")  # noqa: SIM115 - lives with us
        out = self._file
        out.seek(0, 2)
        for _ in range(max(1, len(self._entries) // 2)):
            entry = self._entries.popleft()
            self._bytes -= len(entry.request)
            if self._spilled % _PAGE == 0:
                self._pages.append(out.tell())
            out.write(orjson.dumps(entry.to_data()) + b"\n")
            self._spilled += 1

    def since(self, seq: int = 0, session: str | None = None) -> Iterator[Entry]:
        """Entries with a seq greater than `seq`, oldest first, of one session or of all."""
        seq = max(seq, self._first - 1)
        if self._spilled and seq < self._first - 1 + self._spilled:
            yield from self._from_disk(seq, session)
        memory = list(self._entries)
        start = max(0, seq - (memory[0].seq - 1)) if memory else 0
        for entry in memory[start:]:
            if session is None or entry.session == session:
                yield entry

    def _from_disk(self, seq: int, session: str | None) -> Iterator[Entry]:
        assert self._file is not None
        page = (seq - (self._first - 1)) // _PAGE
        at = self._pages[page]
        read = page * _PAGE
        while read < self._spilled:
            self._file.seek(at)
            line = self._file.readline()
            at = self._file.tell()
            read += 1
            entry = from_data(orjson.loads(line))
            if entry.seq > seq and (session is None or entry.session == session):
                yield entry

    def clear(self, session: str | None = None) -> None:
        """Forget everything, or what of one session is still in memory (the file keeps its older lines)."""
        if session is None:
            self._entries.clear()
            self._bytes = 0
            self._first = self.total + 1
            self._spilled = 0
            self._pages = array("Q")
            if self._file is not None:
                self._file.close()
                self._file = None
            return
        kept = [e for e in self.since() if e.session != session]
        # Sequence numbers stay unique; the index needs them without gaps, so emptied places keep a stub.
        total = self.total
        stubs = {e.seq: e for e in kept}
        first = self._first
        self.clear()
        self.total, self._first = first - 1, first
        for seq in range(first, total + 1):
            self.add(stubs.get(seq) or Entry("", 0, "", "", ""))

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


_PAGE = 256


def redacted(headers: Any, keep: frozenset[bytes]) -> dict[str, str]:
    """The headers worth keeping, without secrets."""
    return {
        name.decode("latin-1"): value.decode("latin-1")
        for name, value in headers.items()
        if name in keep and name not in SECRET
    }
