"""Secrets never reach the file: what is sent to be let in, and what looks like a key wherever it stands.

Redacting twice changes nothing, so a request is compared with a recording after the same treatment.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from mock_llm.completion import Json
from mock_llm.keys import SHAPES
from mock_llm.recording.tape import Piece
from mock_llm.session import api_key

REDACTED = "[redacted]"
_HEADERS = frozenset(
    ("authorization", "proxy-authorization", "x-api-key", "api-key", "x-goog-api-key", "cookie", "set-cookie",
     "x-amz-security-token", "openai-organization", "openai-project", "anthropic-organization-id")
)  # fmt: skip
_QUERY = frozenset(("key", "api_key", "api-key", "apikey", "access_token", "token", "sig", "signature"))
_FIELD = (
    "api[_-]?key|password|passwd|secret|client[_-]?secret|access[_-]?token|refresh[_-]?token|auth[_-]?token"
    "|authorization|private[_-]?key"
)
_NAMED = re.compile(_FIELD, re.IGNORECASE)
_IN_JSON = re.compile(rb'(?i)"?(?:' + _FIELD.encode() + rb')\\*"\s*:\s*\\*"(?P<value>[^"\\]+)')
_BEARER = re.compile(rb"(?i)\bbearer\s+(?P<value>[A-Za-z0-9._~+/-]{16,})")
_PRIVATE = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL)
_LONG_ENOUGH = 8  # a shorter key of the client ("test") would also be found in innocent words


class Redactor:
    """Takes secrets out of texts, data and streams. `known`: values to take out wherever they stand."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        values = [re.escape(value.encode()) for value in known if len(value) >= _LONG_ENOUGH and value != REDACTED]
        own = [re.compile(b"|".join(values))] if values else []
        self._patterns = [*own, _PRIVATE, *SHAPES.values(), _BEARER, _IN_JSON]

    @classmethod
    def of(cls, headers: Mapping[bytes, bytes], query: str = "") -> Redactor:
        """For a request: what it was let in with is redacted everywhere, in the answer too."""
        key = api_key(headers)
        known = [value for name, value in parse_qsl(query) if name.lower() in _QUERY]
        return cls([*known, key] if key else known)

    def text(self, text: str) -> str:
        return self.body(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")

    def body(self, body: bytes) -> bytes:
        return b"".join(piece.data for piece in self.pieces((Piece(0.0, body),)))

    def data(self, data: Json) -> Json:
        """Texts in decoded JSON, and whatever stands under a name such as `api_key`."""
        if isinstance(data, str):
            return self.text(data)
        if isinstance(data, Mapping):
            return {
                key: REDACTED if isinstance(value, str) and value and _NAMED.fullmatch(str(key)) else self.data(value)
                for key, value in data.items()
            }
        if isinstance(data, list | tuple):
            return [self.data(item) for item in data]
        return data

    def pieces(self, pieces: Sequence[Piece]) -> tuple[Piece, ...]:
        """A stream, also where a secret lies across the border of two chunks; chunks keep their places."""
        spans = list(self._spans(b"".join(piece.data for piece in pieces)))
        if not spans:
            return tuple(pieces)
        found: list[Piece] = []
        start = 0
        for piece in pieces:
            end, at, out = start + len(piece.data), start, b""
            for first, last in spans:
                if last <= start or first >= end:
                    continue
                out += piece.data[at - start : max(first, start) - start]
                out += REDACTED.encode() if first >= start else b""
                at = min(last, end)
            out += piece.data[at - start :]
            start = end
            if out:
                found.append(Piece(piece.at, out))
        return tuple(found)

    def _spans(self, data: bytes) -> Iterator[tuple[int, int]]:
        """Places of secrets, in order, none overlapping."""
        hits = sorted(
            match.span("value" if "value" in pattern.groupindex else 0)
            for pattern in self._patterns
            for match in pattern.finditer(data)
        )
        first, last = 0, 0
        for begin, end in hits:
            if begin <= last and last:
                last = max(last, end)
                continue
            if last:
                yield first, last
            first, last = begin, end
        if last:
            yield first, last


def header(name: str, value: str) -> str:
    """A header's value, or the mark in its place."""
    secret = name in _HEADERS or name.endswith(("-api-key", "-access-token", "-auth-token", "-secret"))
    return REDACTED if secret else Redactor().text(value)


def query(text: str) -> str:
    """A query string without keys, in an order that does not matter."""
    pairs = parse_qsl(text, keep_blank_values=True)
    return urlencode(sorted((k, REDACTED if k.lower() in _QUERY else v) for k, v in pairs), safe="[]:/")


def url(text: str) -> str:
    """A URL without user, password and keys."""
    parts = urlsplit(text)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, query(parts.query), ""))
