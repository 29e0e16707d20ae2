"""Every request that the server received and what it answered: bounded in memory, the older part on disk."""

from __future__ import annotations

import tempfile
from array import array
from bisect import bisect_right
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from marshal import dumps, loads
from operator import attrgetter
from typing import IO, Any
from uuid import uuid4

import orjson

from mock_llm.completion import Block, Completion, Refusal, Text, Thinking, ToolCall

MEASURED = ("at", "duration_s", "seq", "first_byte_s")


@dataclass(slots=True)
class Entry:
    """One request and its answer.

    ended: `complete`, `cut` (by a fault), `stalled`, or `aborted`: the client left first.
    at: epoch seconds when the request arrived; duration_s, first_byte_s: seconds since then.
    route: the path as the protocol writes it, with its {placeholders}; empty where none has it.
    sent_whole: it was cut, but after its end, so that the client has all of it.
    answer_id: the name by which a later request can go on with the answer (Responses). should_retry: what the
    answer told the client to do, if it did.
    request: the body as received. answer: the completion's blocks, or the error's body.
    """

    session: str
    ordinal: int
    protocol: str
    method: str
    path: str
    route: str = ""
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
    trace_state: str = ""
    retry_after: float | None = None
    should_retry: bool | None = None
    error: str = ""
    frames: int = 0
    sent_whole: bool = False
    answer_id: str = ""
    request: bytes = b""
    answer: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    at: float = 0.0
    duration_s: float = 0.0
    first_byte_s: float | None = None
    seq: int = 0

    def to_data(self, *, measured: bool = True, bodies: bool = True) -> dict[str, Any]:
        """As JSON-able data; without `measured` only what (seed, session, ordinal) determine."""
        data = dict(zip(_NAMES, _VALUES(self), strict=True))
        if bodies:
            data["request"] = _decoded(self.request)
            data["answer"] = shown(self.answer)
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


def shown(answer: Any) -> Any:
    """The answer as JSON-able data: the completion's blocks in order, or the error's body as it is."""
    if not isinstance(answer, Completion):
        return answer
    return [_block(block) for choice in answer.choices for block in choice.blocks]


def _block(block: Block) -> dict[str, Any]:
    if isinstance(block, Text):
        return {"text": block.text}
    if isinstance(block, ToolCall):
        return {"tool_call": {"id": block.id, "name": block.name, "arguments": block.arguments}}
    if isinstance(block, Thinking):
        return {"thinking": block.text}
    if isinstance(block, Refusal):
        return {"refusal": block.text}
    return {"other": type(block).__name__}


_NAMES = tuple(f.name for f in fields(Entry))
_VALUES = attrgetter(*_NAMES)
_ANSWER = _NAMES.index("answer")


def _packed(entry: Entry) -> tuple[Any, ...]:
    values = list(_VALUES(entry))
    values[_ANSWER] = shown(entry.answer)
    return tuple(values)


class Journal:
    """Entries in the order in which they were answered; `seq` counts from 1; a cleared session leaves gaps.

    In memory lie the newest `limit` entries (fewer when their bodies exceed `limit_bytes`); older ones are
    pages of a temporary file that goes away with the journal. `run` is another name after each start and each
    emptying: who follows by `since` begins anew then.
    """

    def __init__(self, limit: int = 2048, limit_bytes: int = 32 * 1024 * 1024) -> None:
        self._limit = limit
        self._limit_bytes = limit_bytes
        self._entries: deque[Entry] = deque()
        self._bytes = 0
        self._file: IO[bytes] | None = None
        self._spilled = 0
        self._pages = array("Q")  # where each page starts in the file
        self._firsts = array("Q")  # and the seq of its first entry
        self._cleared: dict[str, int] = {}  # session -> seq up to which what lies on disk is forgotten
        self.total = 0
        self.run = uuid4().hex

    def add(self, entry: Entry) -> None:
        """Append an entry and give it its seq."""
        self.total += 1
        entry.seq = self.total
        self._entries.append(entry)
        self._bytes += len(entry.request)
        if len(self._entries) > self._limit or self._bytes > self._limit_bytes:
            self._spill()

    def _spill(self) -> None:
        """Write whole pages of the older half to disk (marshal: our own file, read by this process alone)."""
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="mock-llm-journal-")  # noqa: SIM115 - lives with us
        out = self._file
        out.seek(0, 2)
        for _ in range(max(1, len(self._entries) // 2 // _PAGE)):
            page = [self._entries.popleft() for _ in range(min(_PAGE, len(self._entries)))]
            self._bytes -= sum(len(entry.request) for entry in page)
            self._pages.append(out.tell())
            self._firsts.append(page[0].seq)
            data = dumps([_packed(entry) for entry in page])
            out.write(len(data).to_bytes(8, "big") + data)
            self._spilled += len(page)

    def since(self, seq: int = 0, session: str | None = None) -> Iterator[Entry]:
        """Entries with a seq greater than `seq`, oldest first, of one session or of all."""
        if self._spilled and (not self._entries or seq < self._entries[0].seq - 1):
            yield from self._from_disk(seq, session)
        for entry in list(self._entries):
            if entry.seq > seq and (session is None or entry.session == session):
                yield entry

    def _from_disk(self, seq: int, session: str | None) -> Iterator[Entry]:
        assert self._file is not None
        page = max(0, bisect_right(self._firsts, seq) - 1)
        for at in list(self._pages[page:]):
            self._file.seek(at)
            size = int.from_bytes(self._file.read(8), "big")
            for values in loads(self._file.read(size)):
                entry = Entry(*values)
                if entry.seq <= seq or entry.seq <= self._cleared.get(entry.session, 0):
                    continue
                if session is None or entry.session == session:
                    yield entry

    def clear(self, session: str | None = None) -> None:
        """Forget everything, or what of one session is still in memory (the file keeps its older lines)."""
        if session is None:
            self.run = uuid4().hex
            self._cleared.clear()
            self._entries.clear()
            self._bytes = 0
            self._spilled = 0
            self._pages = array("Q")
            self._firsts = array("Q")
            if self._file is not None:
                self._file.close()
                self._file = None
            return
        if self._spilled:
            self._cleared[session] = self.total
        self._entries = deque(entry for entry in self._entries if entry.session != session)
        self._bytes = sum(len(entry.request) for entry in self._entries)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


_PAGE = 256
