"""One recorded exchange, as it lies in memory between the wire and the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mock_llm.completion import Json


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes that arrived together, `at` milliseconds after the request."""

    at: float
    data: bytes


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: in neutral form where a codec could read it as a generation, else by its body.

    headers: the few that say something about the client. query: as sent, without its `?`.
    """

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    neutral: Mapping[str, Json] | None = None
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Answered:
    """What came back. streamed: `pieces` are the chunks in which it came; else it is one piece, the whole body.

    broken_at: milliseconds after which the connection broke in the middle of the answer.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    pieces: tuple[Piece, ...]
    streamed: bool = False
    broken_at: float | None = None

    @property
    def body(self) -> bytes:
        """All of it."""
        return b"".join(piece.data for piece in self.pieces)


@dataclass(frozen=True, slots=True)
class Recorded:
    """An exchange. number: its place among the requests, in the order of their arrival. line: in its file."""

    number: int
    asked: Asked
    answered: Answered
    session: str = "default"
    line: int | None = None

    def __str__(self) -> str:
        place = f" (line {self.line})" if self.line is not None else ""
        return f"exchange {self.number}{place}"
